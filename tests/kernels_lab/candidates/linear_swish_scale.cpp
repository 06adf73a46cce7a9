// Four rows by 16 outputs in registers, bias, swish and scale applied there: what the product makes never goes to memory.
// Weights are transposed first.
#include <cstdint>
#include <cstring>
#include <vector>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }

// exp, relative error < 2e-7: n = round(x / ln 2), r = x - n ln 2 in two steps (Cody and Waite), polynomial of degree 6 as in Cephes expf.
// Arguments outside of [-87.3, 88.3] count as these; NaN stays NaN.
static inline v8 exp8(v8 x) {
  typedef int32_t i8 __attribute__((vector_size(32)));
  const float round = 12582912.f;  // 1.5 * 2^23: adding it leaves whole numbers
  x = x > 88.3f ? v8{} + 88.3f : x;
  x = x < -87.3f ? v8{} - 87.3f : x;
  v8 n = (x * 1.44269504f + round) - round;
  v8 r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  v8 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.f);
  i8 power = (__builtin_convertvector(n, i8) + 127) << 23;
  v8 scale;
  std::memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

static inline v8 swish(v8 x) { return x / (exp8(-x) + 1.f); }

// Outputs j .. j + 16 of R rows; across holds the weights as [input][output], padded to whole vectors.
template <int R>
static void block(const float* x, const float* across, const float* bias, float* y, int64_t inputs, int64_t outputs, int64_t j,
                  float scale) {
  const int64_t wide = (outputs + 15) / 16 * 16;
  v8 z[R][2];
  for (int r = 0; r < R; r++) z[r][0] = load(bias + j), z[r][1] = load(bias + j + 8);
  for (int64_t k = 0; k < inputs; k++) {
    const v8 w0 = load(across + k * wide + j), w1 = load(across + k * wide + j + 8);
    for (int r = 0; r < R; r++) z[r][0] += x[r * inputs + k] * w0, z[r][1] += x[r * inputs + k] * w1;
  }
  for (int r = 0; r < R; r++) {
    float ends[16], *row = outputs - j < 16 ? ends : y + r * outputs + j;
    store(row, swish(z[r][0]) * scale);
    store(row + 8, swish(z[r][1]) * scale);
    if (row == ends) std::memcpy(y + r * outputs + j, ends, (outputs - j) * sizeof(float));
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const int64_t batch = sizes[0], inputs = sizes[1], outputs = sizes[2], wide = (outputs + 15) / 16 * 16;
  const float *x = (const float*)in[0], *weight = (const float*)in[1];
  std::vector<float> across(inputs * wide), bias(wide);
  for (int64_t j = 0; j < outputs; j++) {
    bias[j] = ((const float*)in[2])[j];
    for (int64_t k = 0; k < inputs; k++) across[k * wide + j] = weight[j * inputs + k];
  }
  const float scale = (float)scalars[0];
  int64_t i = 0;
  for (; i + 4 <= batch; i += 4) {
    for (int64_t j = 0; j < outputs; j += 16) {
      block<4>(x + i * inputs, across.data(), bias.data(), (float*)out + i * outputs, inputs, outputs, j, scale);
    }
  }
  for (; i < batch; i++) {
    for (int64_t j = 0; j < outputs; j += 16) {
      block<1>(x + i * inputs, across.data(), bias.data(), (float*)out + i * outputs, inputs, outputs, j, scale);
    }
  }
}

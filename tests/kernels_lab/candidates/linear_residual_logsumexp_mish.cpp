// Four rows by 16 outputs in registers; clamped values are at most `clamp`, so the sum of exp(z - clamp) needs no pass for the largest one.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
static inline float total(v8 v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

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

// Sum over outputs of exp(clamp(2 z) - clamp) for R rows; across holds twice the weights as [input][output], padded to whole vectors;
// behind the biases stand ones for outputs and zeros for the padding.
template <int R>
static void sums(const float* x, const float* across, const float* bias, float* sum, int64_t inputs, int64_t outputs, float clamp) {
  const int64_t wide = (outputs + 7) / 8 * 8;
  v8 all[R] = {};
  for (int64_t j = 0; j < outputs; j += 8) {
    const v8 live = load(bias + wide + j);
    v8 z[R];
    for (int r = 0; r < R; r++) z[r] = load(bias + j);
    for (int64_t k = 0; k < inputs; k++) {
      const v8 w = load(across + k * wide + j);
      for (int r = 0; r < R; r++) z[r] += x[r * inputs + k] * w;
    }
    for (int r = 0; r < R; r++) {
      v8 c = z[r] > clamp ? v8{} + clamp : z[r];
      c = c < -clamp ? v8{} - clamp : c;
      v8 e = exp8(c - clamp);
      all[r] += e * live;
    }
  }
  for (int r = 0; r < R; r++) sum[r] = total(all[r]);
}

static float mish(float s) { return s * std::tanh(std::log1p(std::exp(s))); }

static float finish(float sum, float clamp) {
  const float s = std::log(sum) + clamp;
  return s * mish(s);
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const int64_t batch = sizes[0], inputs = sizes[1], outputs = sizes[2], wide = (outputs + 7) / 8 * 8;
  const float *x = (const float*)in[0], *weight = (const float*)in[1], clamp = (float)scalars[0];
  std::vector<float> across(inputs * wide), bias(2 * wide);
  for (int64_t j = 0; j < outputs; j++) {
    bias[j] = 2 * ((const float*)in[2])[j];
    bias[wide + j] = 1;
    for (int64_t k = 0; k < inputs; k++) across[k * wide + j] = 2 * weight[j * inputs + k];
  }
  float sum[4];
  int64_t i = 0;
  for (; i + 4 <= batch; i += 4) {
    sums<4>(x + i * inputs, across.data(), bias.data(), sum, inputs, outputs, clamp);
    for (int r = 0; r < 4; r++) ((float*)out)[i + r] = finish(sum[r], clamp);
  }
  for (; i < batch; i++) {
    sums<1>(x + i * inputs, across.data(), bias.data(), sum, inputs, outputs, clamp);
    ((float*)out)[i] = finish(sum[0], clamp);
  }
}

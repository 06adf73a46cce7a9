// Four operators in one pass.
// mish(m) = m e (e + 2) / (e (e + 2) + 2) with e = exp(m): one exp for tanh, log and exp; error < 1e-6 relative.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
static inline v8 load(const float* p, int64_t n) { v8 v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store(float* p, v8 v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }

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

static inline v8 mish(v8 m) {
  v8 e = exp8(m > 20.f ? v8{} + 20.f : m);
  v8 w = e * (e + 2.f);
  return m * (w / (w + 2.f));
}

static inline float hardswish(float x) {
  float gate = x + 3.f;
  gate = gate < 0.f ? 0.f : gate;
  gate = gate > 6.f ? 6.f : gate;
  return x * gate * (1.f / 6.f);
}

static inline float larger(float a, float b) { return a > b ? a : b; }

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const int64_t images = sizes[0] * sizes[1], height = sizes[2], width = sizes[3], kernel = sizes[4];
  const int64_t lines = height / kernel, columns = width / kernel, whole = columns / 8 * 8;
  const float subtracted = (float)scalars[0];
  std::vector<float> above(width), pooled(columns + 8);
  float *line = above.data(), *most = pooled.data();
  for (int64_t image = 0; image < images; image++) {
    for (int64_t i = 0; i < lines; i++) {
      const float* x = (const float*)in[0] + (image * height + i * kernel) * width;
      float* y = (float*)out + (image * lines + i) * columns;
#pragma omp simd
      for (int64_t j = 0; j < width; j++) line[j] = hardswish(x[j] - subtracted);
      for (int64_t k = 1; k < kernel; k++) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) line[j] = larger(line[j], hardswish(x[k * width + j] - subtracted));
      }
      if (kernel == 2) {
#pragma omp simd
        for (int64_t j = 0; j < columns; j++) most[j] = larger(line[2 * j], line[2 * j + 1]);
      } else {
        for (int64_t j = 0; j < columns; j++) most[j] = *std::max_element(line + j * kernel, line + (j + 1) * kernel);
      }
      for (int64_t j = 0; j < whole; j += 8) store(y + j, mish(load(most + j)));
      if (whole < columns) store(y + whole, mish(load(most + whole)), columns - whole);
    }
  }
}

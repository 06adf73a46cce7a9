// Sum, then variance about the mean, then norm and swish in one go; a group stays in the second-level cache.
// Sums run in chunks, chunks add in double.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

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

// Sum of (x - mean)^power over n values, power 1 or 2.
template <int power>
static double moment(const float* x, int64_t n, float mean) {
  double all = 0;
  for (int64_t j0 = 0; j0 < n; j0 += 512) {
    const int64_t width = std::min<int64_t>(512, n - j0);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < width; j++) {
      const float d = x[j0 + j] - mean;
      sum += power == 1 ? d : d * d;
    }
    all += sum;
  }
  return all;
}

static inline v8 swish(v8 x) { return x / (exp8(-x) + 1.f); }

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const int64_t batch = sizes[0], groups = sizes[1], channels = sizes[2], area = sizes[3] * sizes[4], n = channels * area;
  const float *gain = (const float*)in[1], *bias = (const float*)in[2];
  for (int64_t b = 0; b < batch * groups; b++) {
    const float* x = (const float*)in[0] + b * n;
    float* y = (float*)out + b * n;
    const double mean = moment<1>(x, n, x[0]) / n + x[0];
    const double inverse = 1 / std::sqrt(moment<2>(x, n, (float)mean) / n + scalars[0]);
    for (int64_t c = 0; c < channels; c++, x += area, y += area) {
      const int64_t channel = b % groups * channels + c, whole = area / 8 * 8;
      // One product and one sum per value; put together in double, the shift is right to the last bit where x is zero.
      const float a = (float)(inverse * gain[channel]), shift = (float)(bias[channel] - mean * inverse * gain[channel]);
      for (int64_t p = 0; p < whole; p += 8) store(y + p, swish(load(x + p) * a + shift));
      if (whole < area) store(y + whole, swish(load(x + whole, area - whole) * a + shift), area - whole);
    }
  }
}

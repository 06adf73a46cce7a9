// Three passes over a row that stays in the first-level cache: largest value, exp and its sum, scaling.
#include <cstdint>
#include <cstring>
#include <limits>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
static inline v8 load(const float* p, int64_t n) { v8 v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store(float* p, v8 v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }
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

static float largest(const float* x, int64_t n) {
  v8 m = v8{} - std::numeric_limits<float>::infinity(), k = m;
  int64_t j = 0;
  for (; j + 16 <= n; j += 16) {
    v8 a = load(x + j), b = load(x + j + 8);
    m = a > m ? a : m;
    k = b > k ? b : k;
  }
  m = k > m ? k : m;
  float most = m[0];
  for (int u = 1; u < 8; u++) most = m[u] > most ? m[u] : most;
  for (; j < n; j++) most = x[j] > most ? x[j] : most;
  return most;
}

static float exponentials(const float* x, float* y, int64_t n, float most) {
  v8 s{}, t{};
  int64_t j = 0;
  for (; j + 16 <= n; j += 16) {
    v8 a = exp8(load(x + j) - most), b = exp8(load(x + j + 8) - most);
    store(y + j, a);
    store(y + j + 8, b);
    s += a;
    t += b;
  }
  float sum = total(s + t);
  for (; j < n; j += 8) {
    const int64_t left = n - j < 8 ? n - j : 8;
    v8 e = exp8(load(x + j, left) - most);
    store(y + j, e, left);
    for (int64_t u = 0; u < left; u++) sum += e[u];
  }
  return sum;
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t rows = sizes[0], cols = sizes[1];
  for (int64_t i = 0; i < rows; i++) {
    const float* x = (const float*)in[0] + i * cols;
    float* y = (float*)out + i * cols;
    const float scale = 1.f / exponentials(x, y, cols, largest(x, cols));
#pragma omp simd
    for (int64_t j = 0; j < cols; j++) y[j] *= scale;
  }
}

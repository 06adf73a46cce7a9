// One pass, nothing stored: with c = min(|d|, beta) the loss is c (2 |d| - c) / (2 beta).
// Four vectors of sums per chunk, chunks add in double.
#include <algorithm>
#include <cstdint>
#include <cstring>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
static inline v8 load(const float* p, int64_t n) { v8 v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store(float* p, v8 v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }
static inline float total(v8 v) { return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])); }

static inline v8 twice(v8 p, v8 t, float beta) {
  v8 d = p - t;
  d = d < 0 ? -d : d;
  v8 c = d < beta ? d : v8{} + beta;
  return c * (2.f * d - c);
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const float *p = (const float*)in[0], *t = (const float*)in[1], beta = (float)scalars[0];
  const int64_t n = sizes[0] * sizes[1];
  double loss = 0;
  for (int64_t j0 = 0; j0 < n; j0 += 4096) {
    const int64_t end = std::min(j0 + 4096, n);
    v8 s[4] = {};
    int64_t j = j0;
    for (; j + 32 <= end; j += 32) {
      for (int u = 0; u < 4; u++) s[u] += twice(load(p + j + 8 * u), load(t + j + 8 * u), beta);
    }
    for (; j < end; j += 8) {
      const int64_t left = std::min<int64_t>(8, end - j);
      s[0] += twice(load(p + j, left), load(t + j, left), beta);
    }
    loss += total((s[0] + s[1]) + (s[2] + s[3]));
  }
  *(float*)out = (float)(loss / (2.0 * beta * n));
}

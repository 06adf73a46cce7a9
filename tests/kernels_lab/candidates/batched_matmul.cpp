// Two vectors hold a row of up to 16 columns; four rows at once share the loads of b. Wider matrices take the plain loop.
#include <cstdint>
#include <cstring>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
static inline v8 load(const float* p, int64_t n) { v8 v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store(float* p, v8 v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }

template <int R>
static inline __attribute__((always_inline)) void rows(const float* a, const v8 (*b)[2], float* y, int64_t k, int64_t n) {
  v8 sum[R][2] = {};
  for (int64_t l = 0; l < k; l++) {
    for (int r = 0; r < R; r++) {
      const float value = a[r * k + l];
      sum[r][0] += value * b[l][0];
      sum[r][1] += value * b[l][1];
    }
  }
  for (int r = 0; r < R; r++) {
    if (n >= 8) {
      store(y + r * n, sum[r][0]);
      store(y + r * n + 8, sum[r][1], n - 8);
    } else {
      store(y + r * n, sum[r][0], n);
    }
  }
}

static inline __attribute__((always_inline)) void small(const float* a, const float* b, float* y, int64_t m, int64_t k, int64_t n) {
  v8 wide[64][2];
  for (int64_t l = 0; l < k; l++) {
    wide[l][0] = n >= 8 ? load(b + l * n) : load(b + l * n, n);
    wide[l][1] = n > 8 ? load(b + l * n + 8, n - 8) : v8{};
  }
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) rows<4>(a + i * k, wide, y + i * n, k, n);
  for (; i < m; i++) rows<1>(a + i * k, wide, y + i * n, k, n);
}

static void plain(const float* a, const float* b, float* y, int64_t m, int64_t k, int64_t n) {
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) y[i * n + j] = 0;
    for (int64_t l = 0; l < k; l++) {
#pragma omp simd
      for (int64_t j = 0; j < n; j++) y[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t batch = sizes[0], m = sizes[1], k = sizes[2], n = sizes[3];
  for (int64_t i = 0; i < batch; i++) {
    const float *a = (const float*)in[0] + i * m * k, *b = (const float*)in[1] + i * k * n;
    float* y = (float*)out + i * m * n;
    if (m == 12 && k == 10 && n == 14) small(a, b, y, 12, 10, 14);
    else if (n <= 16 && k <= 64) small(a, b, y, m, k, n);
    else plain(a, b, y, m, k, n);
  }
}

// Blocks of 6 rows by 16 columns in registers; a block sums only over k from its first row to its last column, all other products are zero.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

typedef float v8 __attribute__((vector_size(32)));

static inline v8 load(const float* p) { v8 v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }

// Rows i .. i + R of the strip of 16 columns at j; panel holds b[k][j .. j + 16].
template <int R>
static void block(const float* a, const float* panel, float* y, int64_t n, int64_t i, int64_t j) {
  v8 left[R] = {}, right[R] = {};
  const int64_t end = std::min(n, j + 16);
  for (int64_t k = i; k < end; k++) {
    const v8 b0 = load(panel + 16 * k), b1 = load(panel + 16 * k + 8);
    for (int r = 0; r < R; r++) {
      const float value = a[(i + r) * n + k];
      left[r] += value * b0;
      right[r] += value * b1;
    }
  }
  for (int r = 0; r < R; r++) {
    float row[16];
    store(row, left[r]);
    store(row + 8, right[r]);
    for (int64_t c = j; c < end; c++) y[(i + r) * n + c] = c >= i + r ? row[c - j] : 0.f;
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t n = sizes[0];
  const float *a = (const float*)in[0], *b = (const float*)in[1];
  float* y = (float*)out;
  std::vector<float> panel(16 * n);
  for (int64_t j = 0; j < n; j += 16) {
    const int64_t end = std::min(n, j + 16);
    for (int64_t k = 0; k < end; k++) {
      for (int64_t c = j; c < end; c++) panel[16 * k + c - j] = b[k * n + c];
    }
    int64_t i = 0;
    for (; i + 6 <= end; i += 6) block<6>(a, panel.data(), y, n, i, j);
    for (; i < end; i++) block<1>(a, panel.data(), y, n, i, j);
    for (; i < n; i++) std::fill(y + i * n + j, y + i * n + end, 0.f);
  }
}

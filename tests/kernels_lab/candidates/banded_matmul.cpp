// All diagonals of a row at once: each row of the output is written once, and the rows of b that it needs are still in the cache.
#include <algorithm>
#include <cstdint>

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t rows = sizes[0], cols = sizes[1], half = sizes[2];
  const float *band = (const float*)in[0], *b = (const float*)in[1];
  for (int64_t i = 0; i < rows; i++) {
    float* y = (float*)out + i * cols;
    if (half == 2 && i >= 2 && i + 2 < rows) {
      const float w0 = band[i], w1 = band[rows + i], w2 = band[2 * rows + i], w3 = band[3 * rows + i], w4 = band[4 * rows + i];
      const float* x = b + (i - 2) * cols;
#pragma omp simd
      for (int64_t j = 0; j < cols; j++) {
        y[j] = w0 * x[j] + w1 * x[cols + j] + w2 * x[2 * cols + j] + w3 * x[3 * cols + j] + w4 * x[4 * cols + j];
      }
      continue;
    }
    std::fill(y, y + cols, 0.f);
    for (int64_t d = 0; d <= 2 * half; d++) {
      const int64_t k = i + d - half;
      if (k < 0 || k >= rows) continue;
      const float w = band[d * rows + i], *x = b + k * cols;
#pragma omp simd
      for (int64_t j = 0; j < cols; j++) y[j] += w * x[j];
    }
  }
}

// diag(a) b is b with its rows scaled: rows * cols products instead of rows * rows * cols.
#include <cstdint>

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t rows = sizes[0], cols = sizes[1];
  for (int64_t i = 0; i < rows; i++) {
    const float a = ((const float*)in[0])[i], *b = (const float*)in[1] + i * cols;
    float* y = (float*)out + i * cols;
#pragma omp simd
    for (int64_t j = 0; j < cols; j++) y[j] = a * b[j];
  }
}

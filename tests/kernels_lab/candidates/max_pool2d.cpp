// Separable: the largest of the window's rows goes into one padded line, then the largest of the window's columns is taken from it.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

static inline float larger(float a, float b) { return a > b ? a : b; }

// One line of outputs from the padded line of column maxima; the usual window has its loop unrolled.
static void along(const float* line, float* y, int64_t outputs, int64_t kernel, int64_t stride) {
  if (kernel == 3 && stride == 2) {
#pragma omp simd
    for (int64_t j = 0; j < outputs; j++) y[j] = larger(larger(line[2 * j], line[2 * j + 1]), line[2 * j + 2]);
    return;
  }
  for (int64_t j = 0; j < outputs; j++) {
    float most = line[j * stride];
    for (int64_t k = 1; k < kernel; k++) most = larger(most, line[j * stride + k]);
    y[j] = most;
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*) {
  const int64_t images = sizes[0] * sizes[1], height = sizes[2], width = sizes[3], kernel = sizes[4], stride = sizes[5], padding = sizes[6];
  const int64_t lines = (height + 2 * padding - kernel) / stride + 1, columns = (width + 2 * padding - kernel) / stride + 1;
  const float none = -std::numeric_limits<float>::infinity();
  std::vector<float> buffer(width + 2 * padding, none);
  float* line = buffer.data() + padding;
  for (int64_t image = 0; image < images; image++) {
    const float* x = (const float*)in[0] + image * height * width;
    float* y = (float*)out + image * lines * columns;
    for (int64_t i = 0; i < lines; i++, y += columns) {
      const int64_t first = std::max<int64_t>(i * stride - padding, 0), last = std::min(i * stride - padding + kernel, height);
      if (last - first == 3) {
        const float* r = x + first * width;
#pragma omp simd
        for (int64_t j = 0; j < width; j++) line[j] = larger(larger(r[j], r[width + j]), r[2 * width + j]);
      } else {
        std::copy(x + first * width, x + (first + 1) * width, line);
        for (int64_t row = first + 1; row < last; row++) {
#pragma omp simd
          for (int64_t j = 0; j < width; j++) line[j] = larger(line[j], x[row * width + j]);
        }
      }
      along(buffer.data(), y, columns, kernel, stride);
    }
  }
}

// Both distances of a row in one pass over the three embeddings; nothing stored.
#include <cmath>
#include <cstdint>

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const int64_t rows = sizes[0], n = sizes[1];
  const float margin = (float)scalars[0], eps = (float)scalars[1];
  double loss = 0;
  for (int64_t i = 0; i < rows; i++) {
    const float *a = (const float*)in[0] + i * n, *p = (const float*)in[1] + i * n, *q = (const float*)in[2] + i * n;
    float near = 0, far = 0;
#pragma omp simd reduction(+ : near, far)
    for (int64_t j = 0; j < n; j++) {
      const float u = a[j] - p[j] + eps, v = a[j] - q[j] + eps;
      near += u * u;
      far += v * v;
    }
    const float excess = std::sqrt(near) - std::sqrt(far) + margin;
    loss += excess > 0 ? excess : 0;
  }
  *(float*)out = (float)(loss / rows);
}

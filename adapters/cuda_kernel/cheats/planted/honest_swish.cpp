// Honest: one pass.
#include <cmath>
#include <cstdint>
extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars) {
  const float* x = (const float*)in[0];
  for (int64_t i = 0; i < sizes[0] * sizes[1]; i++) ((float*)out)[i] = x[i] / (1 + std::exp(-x[i]));
}

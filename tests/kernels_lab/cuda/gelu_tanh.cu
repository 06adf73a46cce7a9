// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)): eight operators become one pass with one exp.
// expf is wrong by 2 ulp at most, and magnifies the rounding of u; the whole < 1e-6 relative where |u| < 8, beyond it is x or nearly 0.
#include <algorithm>
#include <cstdint>

__global__ void gelu(const float* x, float* y, int64_t n) {
  const float twice = -2.f * 0.7978845608f;  // -2 sqrt(2/pi)
  const int64_t step = (int64_t)gridDim.x * blockDim.x;
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
    const float v = x[i];
    y[i] = v / (1.f + expf(v * (v * v * (twice * 0.044715f) + twice)));
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*, void* stream) {
  const int64_t n = sizes[0] * sizes[1];
  const unsigned blocks = (unsigned)std::min<int64_t>((n + 255) / 256, 65535);
  if (n) gelu<<<blocks, 256, 0, (cudaStream_t)stream>>>((const float*)in[0], (float*)out, n);
}

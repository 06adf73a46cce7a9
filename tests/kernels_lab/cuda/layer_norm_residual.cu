// A block per row, which waits in the output between the passes: every thread reads again only what it wrote itself.
// The row's first value is taken from all, which costs nothing and keeps large means exact.
#include <algorithm>
#include <cstdint>

const int THREADS = 256;

__device__ float sum_over_block(float value) {
  __shared__ float sums[THREADS / 32];
  for (int lane = 16; lane; lane /= 2) value += __shfl_xor_sync(0xffffffffu, value, lane);
  __syncthreads();  // nobody reads the last sums any more
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  float all = 0;
  for (int warp = 0; warp < THREADS / 32; warp++) all += sums[warp];
  return all;
}

__global__ void layer_norm(const float* x, const float* residual, const float* gain, const float* bias, float* y, int64_t rows, int64_t n,
                           float eps) {
  for (int64_t i = blockIdx.x; i < rows; i += gridDim.x) {
    const float *from = x + i * n, *added = residual + i * n, first = from[0] + added[0];
    float *to = y + i * n, sum = 0, squares = 0;
    for (int64_t j = threadIdx.x; j < n; j += THREADS) {
      to[j] = (from[j] + added[j]) - first;
      sum += to[j];
    }
    const float mean = sum_over_block(sum) / n;
    for (int64_t j = threadIdx.x; j < n; j += THREADS) squares += (to[j] - mean) * (to[j] - mean);
    const float deviation = sqrtf(sum_over_block(squares) / n + eps);
    for (int64_t j = threadIdx.x; j < n; j += THREADS) to[j] = (to[j] - mean) / deviation * gain[j] + bias[j];
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars, void* stream) {
  const int64_t rows = sizes[0], features = sizes[1];
  const unsigned blocks = (unsigned)std::min<int64_t>(rows, 65535);
  const float* const* f = (const float* const*)in;
  if (rows * features) {
    layer_norm<<<blocks, THREADS, 0, (cudaStream_t)stream>>>(f[0], f[1], f[2], f[3], (float*)out, rows, features, (float)scalars[0]);
  }
}

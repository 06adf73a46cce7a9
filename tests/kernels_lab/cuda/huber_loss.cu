// One pass, nothing stored: with c = min(|d|, beta) the loss is c (2 |d| - c) / (2 beta).
// A thread adds its few terms in single precision, blocks and their sums in double; the order of additions is always the same.
#include <algorithm>
#include <cstdint>

const int THREADS = 256, MOST_BLOCKS = 1024;

__device__ double partial[MOST_BLOCKS];

__device__ double sum_over_block(double value) {
  __shared__ double sums[THREADS / 32];
  for (int lane = 16; lane; lane /= 2) value += __shfl_xor_sync(0xffffffffu, value, lane);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  double all = 0;
  for (int warp = 0; warp < THREADS / 32; warp++) all += sums[warp];
  return all;
}

__global__ void losses(const float* prediction, const float* target, int64_t n, float beta) {
  float sum = 0;
  const int64_t step = (int64_t)gridDim.x * THREADS;
  for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < n; i += step) {
    const float d = fabsf(prediction[i] - target[i]), c = fminf(d, beta);
    sum += c * (2.f * d - c);
  }
  const double all = sum_over_block(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = all;
}

__global__ void mean(float* y, int blocks, double terms) {
  double sum = 0;
  for (int block = threadIdx.x; block < blocks; block += THREADS) sum += partial[block];
  sum = sum_over_block(sum);
  if (threadIdx.x == 0) *y = (float)(sum / terms);
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double* scalars, void* stream) {
  const int64_t n = sizes[0] * sizes[1];
  const int blocks = (int)std::min<int64_t>((n + 4 * THREADS - 1) / (4 * THREADS), MOST_BLOCKS);
  const cudaStream_t on = (cudaStream_t)stream;
  if (blocks) losses<<<blocks, THREADS, 0, on>>>((const float*)in[0], (const float*)in[1], n, (float)scalars[0]);
  mean<<<1, THREADS, 0, on>>>((float*)out, blocks, 2.0 * scalars[0] * n);
}

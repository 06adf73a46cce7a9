// Per row the largest value and the sum of exp in one pass (Milakov and Gimelshein, arXiv 1805.02867); no softmax is stored.
// Rows add in double, always in the same order.
#include <algorithm>
#include <cfloat>
#include <cstdint>

const int THREADS = 256, MOST_BLOCKS = 1024;

__device__ double partial[MOST_BLOCKS];

// Sum of exp(x - most) over the values seen; -FLT_MAX instead of -infinity, whose difference from itself is not a number.
struct Seen {
  float most = -FLT_MAX, sum = 0.f;
  __device__ void add(float x) {
    if (x > most) {
      sum = sum * expf(most - x) + 1.f;
      most = x;
    } else {
      sum += expf(x - most);
    }
  }
  __device__ void merge(float other, float others) {
    const float larger = fmaxf(most, other);
    sum = sum * expf(most - larger) + others * expf(other - larger);
    most = larger;
  }
};

__device__ Seen over_block(Seen seen) {
  __shared__ float most[THREADS / 32], sum[THREADS / 32];
  for (int lane = 16; lane; lane /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, seen.most, lane), others = __shfl_xor_sync(0xffffffffu, seen.sum, lane);
    seen.merge(other, others);
  }
  __syncthreads();  // nobody reads the last row's any more
  if (threadIdx.x % 32 == 0) {
    most[threadIdx.x / 32] = seen.most;
    sum[threadIdx.x / 32] = seen.sum;
  }
  __syncthreads();
  Seen all;
  for (int warp = 0; warp < THREADS / 32; warp++) all.merge(most[warp], sum[warp]);
  return all;
}

__global__ void losses(const float* logits, const int64_t* target, int64_t rows, int64_t classes) {
  double loss = 0;
  for (int64_t i = blockIdx.x; i < rows; i += gridDim.x) {
    const float* x = logits + i * classes;
    Seen seen;
    for (int64_t j = threadIdx.x; j < classes; j += THREADS) seen.add(x[j]);
    seen = over_block(seen);
    loss += log((double)seen.sum) + ((double)seen.most - x[target[i]]);
  }
  if (threadIdx.x == 0) partial[blockIdx.x] = loss;
}

// One warp.
__global__ void mean(float* y, int blocks, int64_t rows) {
  double sum = 0;
  for (int block = threadIdx.x; block < blocks; block += 32) sum += partial[block];
  for (int lane = 16; lane; lane /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
  if (threadIdx.x == 0) *y = (float)(sum / rows);
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*, void* stream) {
  const int64_t rows = sizes[0], classes = sizes[1];
  const int blocks = (int)std::min<int64_t>(rows, MOST_BLOCKS);
  const cudaStream_t on = (cudaStream_t)stream;
  if (blocks) losses<<<blocks, THREADS, 0, on>>>((const float*)in[0], (const int64_t*)in[1], rows, classes);
  mean<<<1, 32, 0, on>>>((float*)out, blocks, rows);
}

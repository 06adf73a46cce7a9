// A block per row: largest value and sum of exp in one pass (Milakov and Gimelshein, arXiv 1805.02867), then the quotients.
#include <algorithm>
#include <cfloat>
#include <cstdint>

const int THREADS = 256;

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
  __device__ void merge_warp() {
    for (int lane = 16; lane; lane /= 2) {
      const float other = __shfl_xor_sync(0xffffffffu, most, lane), others = __shfl_xor_sync(0xffffffffu, sum, lane);
      merge(other, others);
    }
  }
};

__device__ Seen over_block(Seen seen) {
  __shared__ float most[THREADS / 32], sum[THREADS / 32];
  seen.merge_warp();
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

__global__ void softmax(const float* x, float* y, int64_t rows, int64_t cols) {
  for (int64_t i = blockIdx.x; i < rows; i += gridDim.x) {
    const float* from = x + i * cols;
    Seen seen;
    for (int64_t j = threadIdx.x; j < cols; j += THREADS) seen.add(from[j]);
    seen = over_block(seen);
    for (int64_t j = threadIdx.x; j < cols; j += THREADS) y[i * cols + j] = expf(from[j] - seen.most) / seen.sum;
  }
}

extern "C" void launch(const void* const* in, void* out, const int64_t* sizes, const double*, void* stream) {
  const int64_t rows = sizes[0], cols = sizes[1];
  const unsigned blocks = (unsigned)std::min<int64_t>(rows, 65535);
  if (rows * cols) softmax<<<blocks, THREADS, 0, (cudaStream_t)stream>>>((const float*)in[0], (float*)out, rows, cols);
}

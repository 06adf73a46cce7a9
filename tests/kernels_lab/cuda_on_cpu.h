// Just enough of CUDA on a processor to check what a kernel computes: blocks one after another, the threads of a block as coroutines that
// switch at barriers and shuffles. Says nothing of speed, of races within a warp, or of the last bit of expf.
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(16) float4 { float x, y, z, w; };
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

typedef void* cudaStream_t;
enum cudaError_t { cudaSuccess, cudaErrorMemoryAllocation };
enum cudaMemcpyKind { cudaMemcpyDeviceToDevice };
template <class T>
static cudaError_t cudaMalloc(T** memory, size_t bytes) {
  *memory = (T*)std::malloc(bytes);
  return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
static inline cudaError_t cudaFree(void* memory) { return std::free(memory), cudaSuccess; }
static inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  return std::memcpy(to, from, bytes), cudaSuccess;
}
static inline cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t) {
  return std::memset(memory, value, bytes), cudaSuccess;
}

enum { cudaStreamNonBlocking = 1 };
static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return *stream = nullptr, cudaSuccess; }

static dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulator {

struct Barrier {
  int size = 0, arrived = 0;
  long phase = 0;
};
struct Warp {
  Barrier barrier;
  char values[32][8];
};
struct Thread {
  ucontext_t start;
  jmp_buf place;
  std::vector<char> stack;
  bool started = false, done = false;
};

static std::vector<Thread> threads;
static std::vector<Warp> warps;
static Barrier block;
static std::function<void()> kernel;
static ucontext_t before;
static jmp_buf scheduler;
static unsigned current;
static long progress;

[[noreturn]] static void refuse(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

static void yield() {
  if (!_setjmp(threads[current].place)) _longjmp(scheduler, 1);
}

static void wait(Barrier& barrier) {
  const long phase = barrier.phase;
  progress++;
  if (++barrier.arrived == barrier.size) {
    barrier.arrived = 0;
    barrier.phase++;
  } else {
    while (barrier.phase == phase) yield();
  }
}

static void body() {
  kernel();
  threads[current].done = true;
  progress++;
  _longjmp(scheduler, 1);
}

static void resume(unsigned number) {
  Thread& thread = threads[number];
  current = number;
  threadIdx = dim3(number % blockDim.x, number / blockDim.x % blockDim.y, number / blockDim.x / blockDim.y);
  if (_setjmp(scheduler)) return;
  if (thread.started) _longjmp(thread.place, 1);
  thread.started = true;
  getcontext(&thread.start);
  thread.start.uc_stack = {thread.stack.data(), 0, thread.stack.size()};
  thread.start.uc_link = &before;
  makecontext(&thread.start, body, 0);
  setcontext(&thread.start);
}

static void run_block() {
  const unsigned count = blockDim.x * blockDim.y * blockDim.z;
  if (threads.size() < count) threads.resize(count);
  warps.assign((count + 31) / 32, Warp{});
  for (unsigned warp = 0; warp < warps.size(); warp++) warps[warp].barrier.size = count - 32 * warp < 32 ? count - 32 * warp : 32;
  block = Barrier{(int)count};
  for (unsigned i = 0; i < count; i++) {
    if (threads[i].stack.empty()) threads[i].stack.resize(1 << 15);
    threads[i].started = threads[i].done = false;
  }
  for (unsigned left = count; left;) {
    const long seen = progress;
    left = 0;
    for (unsigned i = 0; i < count; i++) {
      if (!threads[i].done) resume(i);
      left += !threads[i].done;
    }
    if (left && seen == progress) refuse("threads wait for each other, or for some that have returned");
  }
}

struct Launch {
  dim3 grid, threads;
  Launch(dim3 grid, dim3 threads, size_t = 0, cudaStream_t = nullptr) : grid(grid), threads(threads) {}
  void operator()(const std::function<void()>& call) const {
    const unsigned count = threads.x * threads.y * threads.z;
    if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) refuse("invalid grid");
    if (!count || count > 1024 || count % 32) refuse("invalid block, or one with a warp that is not full");
    gridDim = grid;
    blockDim = threads;
    kernel = call;
    for (unsigned z = 0; z < grid.z; z++)
      for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
          blockIdx = dim3(x, y, z);
          run_block();
        }
  }
};

}  // namespace emulator

static inline void __syncthreads() { emulator::wait(emulator::block); }

template <class T>
static T __shfl_xor_sync(unsigned mask, T value, int lane) {
  if (mask != 0xffffffffu) emulator::refuse("only whole warps shuffle here");
  const unsigned number = emulator::current, own = number % 32;
  emulator::Warp& warp = emulator::warps[number / 32];
  std::memcpy(warp.values[own], &value, sizeof value);
  emulator::wait(warp.barrier);
  std::memcpy(&value, warp.values[own ^ (unsigned)lane], sizeof value);
  emulator::wait(warp.barrier);
  return value;
}

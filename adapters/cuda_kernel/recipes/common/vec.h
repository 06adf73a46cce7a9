{#- Vectors of `lanes` floats, whole and in part, and the loop over them. From config: lanes; unroll, tail, stores where a recipe has them. -#}
{%- set tail = config.get("tail", "copied") -%}
{%- set streaming = config.get("stores", "plain") == "streaming" -%}
#include <algorithm>
#include <cstdint>
#include <cstring>
{%- if tail == "masked" or streaming or config.get("divide") == "newton" or config.get("root") == "newton" %}
#if defined(__x86_64__)
#include <immintrin.h>
#endif
{%- endif %}

#define FORCED __attribute__((always_inline))
#define INLINE inline FORCED

constexpr int V = {{ config.lanes }};  // floats of a vector
constexpr int U = {{ config.get("unroll", 1) }};  // vectors of a step
typedef float vec __attribute__((vector_size(4 * V)));

static INLINE vec all(float value) { return vec{} + value; }
static INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
static INLINE vec smaller(vec a, vec b) { return a < b ? a : b; }

// Of the V values, by halves, so that the error grows with log V only.
static INLINE float total(vec v) {
  float part[V];
  std::memcpy(part, &v, sizeof v);
  for (int half = V / 2; half; half /= 2) {
    for (int i = 0; i < half; i++) part[i] += part[i + half];
  }
  return part[0];
}

// How a step reads and writes: whole vectors, or the first n values of the last one, with zeros behind them.
struct Whole {
  INLINE vec load(const float* p) const { vec v; std::memcpy(&v, p, sizeof v); return v; }
  INLINE void store(float* p, vec v) const { std::memcpy(p, &v, sizeof v); }
  INLINE vec keep(vec v, float = 0) const { return v; }
};

struct Part {
  int64_t n;
{%- if tail == "masked" %}
#if defined(__AVX512VL__)
{%- if config.lanes == 16 %}
  INLINE __mmask16 mask() const { return (__mmask16)((1u << n) - 1); }
  INLINE vec load(const float* p) const { return _mm512_maskz_loadu_ps(mask(), p); }
  INLINE void store(float* p, vec v) const { _mm512_mask_storeu_ps(p, mask(), v); }
{%- else %}
  INLINE __mmask8 mask() const { return (__mmask8)((1u << n) - 1); }
  INLINE vec load(const float* p) const { return _mm256_maskz_loadu_ps(mask(), p); }
  INLINE void store(float* p, vec v) const { _mm256_mask_storeu_ps(p, mask(), v); }
{%- endif %}
#else
  INLINE vec load(const float* p) const { vec v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
  INLINE void store(float* p, vec v) const { std::memcpy(p, &v, n * sizeof(float)); }
#endif
{%- else %}
  INLINE vec load(const float* p) const { vec v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
  INLINE void store(float* p, vec v) const { std::memcpy(p, &v, n * sizeof(float)); }
{%- endif %}
  INLINE vec keep(vec v, float other = 0) const {
    typedef int32_t ivec __attribute__((vector_size(4 * V)));
    ivec place;
    for (int i = 0; i < V; i++) place[i] = i;
    return place < (int32_t)n ? v : all(other);
  }
};

{%- if streaming %}

// Stores past the caches, where p lies at a multiple of the vector's size; what is written is not read again soon.
struct Past : Whole {
  INLINE void store(float* p, vec v) const {
#if {{ "defined(__AVX512F__)" if config.lanes == 16 else "defined(__AVX__)" }}
    {{ "_mm512_stream_ps" if config.lanes == 16 else "_mm256_stream_ps" }}(p, v);
#else
    std::memcpy(p, &v, sizeof v);
#endif
  }
};

static INLINE bool aligned(const float* p) { return (uintptr_t)p % sizeof(vec) == 0; }

// Streaming stores are weakly ordered: they are done before the call returns.
static INLINE void settle() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}
{%- endif %}

// f(j, u, at) for the vectors at j = 0, V, 2 V, ... of n values; u counts those of a step, at reads and writes them.
template <class At = Whole, class F> static INLINE void steps(int64_t n, F f) {
  int64_t j = 0;
  for (; j + U * V <= n; j += U * V) {
#pragma GCC unroll 16
    for (int u = 0; u < U; u++) f(j + u * V, u, At{});
  }
{%- if config.get("unroll", 1) > 1 %}
  for (; j + V <= n; j += V) f(j, 0, At{});
{%- endif %}
  if (j < n) f(j, 0, Part{n - j});
}

// y[j] = f(j, at) for n values.
template <class F> static INLINE void write(float* y, int64_t n, F f) {
  const auto step = [&](int64_t j, int, auto at) FORCED { at.store(y + j, f(j, at)); };
{%- if streaming %}
  if (aligned(y)) return steps<Past>(n, step);
{%- endif %}
  steps(n, step);
}

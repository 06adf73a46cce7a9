{#- Sums of vectors over n values. From config: accumulate where a recipe has it, else double. -#}
{%- set how = config.get("accumulate", "double") -%}
#include <cstdint>
{%- if how == "double" %}

// Every addition in double.
typedef double wide __attribute__((vector_size(8 * V)));
static INLINE wide widened(vec v) { return __builtin_convertvector(v, wide); }
static INLINE double total(wide v) {
  double sum = 0;
  for (int i = 0; i < V; i++) sum += v[i];
  return sum;
}
{%- else %}
{%- if how == "chunks" %}

// Float within a chunk, double from chunk to chunk.
{%- else %}

// Float throughout, in U * V sums side by side.
{%- endif %}
typedef vec wide;
static INLINE vec widened(vec v) { return v; }
{%- endif %}

// result[k] = sum over j of what term(j, at, v) puts into v[k].
template <int K, class F> static INLINE void sums(int64_t n, double* result, F term) {
  for (int k = 0; k < K; k++) result[k] = 0;
{%- if how == "chunks" %}
  for (int64_t start = 0; start < n; start += 1024) {
    const int64_t length = std::min<int64_t>(1024, n - start);
{%- else %}
  {
    const int64_t start = 0, length = n;
{%- endif %}
    wide all_of[K][U] = {};
    steps(length, [&](int64_t j, int u, auto at) FORCED {
      vec v[K];
      term(start + j, at, v);
      for (int k = 0; k < K; k++) all_of[k][u] += widened(at.keep(v[k]));
    });
    for (int k = 0; k < K; k++) {
      for (int u = 1; u < U; u++) all_of[k][0] += all_of[k][u];
      result[k] += total(all_of[k][0]);
    }
  }
}

template <class F> static INLINE double sum(int64_t n, F term) {
  double result;
  sums<1>(n, &result, [&](int64_t j, auto at, vec* v) FORCED { v[0] = term(j, at); });
  return result;
}

{#- 1 / root of a vector. From config: root. -#}
{%- if config.root == "exact" %}
#include <cmath>

static INLINE vec inverse_root(vec a) {
  vec y;
  for (int i = 0; i < V; i++) y[i] = 1.f / std::sqrt(a[i]);
  return y;
}
{%- else %}
#include <cmath>

// By the processor's estimate (12 bits or more) and one step of Newton: error < 3e-7 relative.
static INLINE vec inverse_root(vec a) {
#if {{ "defined(__AVX512F__)" if config.lanes == 16 else "defined(__AVX__)" }}
  vec y = {{ "_mm512_rsqrt14_ps" if config.lanes == 16 else "_mm256_rsqrt_ps" }}(a);
  return y * (1.5f - 0.5f * a * y * y);
#else
  vec y;
  for (int i = 0; i < V; i++) y[i] = 1.f / std::sqrt(a[i]);
  return y;
#endif
}
{%- endif %}

{#- exp of a vector. From config: exp. -#}
{%- set name = config.exp -%}
{%- if name == "libm" %}
#include <cmath>

// Element by element with the C library: error < 1 unit in the last place. Arguments outside of [-87.3, 88.3] count as these.
static INLINE vec exponential(vec x) {
  x = smaller(larger(x, all(-87.3f)), all(88.3f));
  vec y;
  for (int i = 0; i < V; i++) y[i] = std::exp(x[i]);
  return y;
}
{%- elif name == "libmvec" %}
#include <cmath>

// The C library's vectors: error < 4 units in the last place. Arguments outside of [-87.3, 88.3] count as these.
#if defined(__GLIBC__) && {{ "defined(__AVX512F__)" if config.lanes == 16 else "defined(__AVX2__)" }}
extern "C" vec {{ "_ZGVeN16v_expf" if config.lanes == 16 else "_ZGVdN8v_expf" }}(vec);
#endif
static INLINE vec exponential(vec x) {
  x = smaller(larger(x, all(-87.3f)), all(88.3f));
#if defined(__GLIBC__) && {{ "defined(__AVX512F__)" if config.lanes == 16 else "defined(__AVX2__)" }}
  return {{ "_ZGVeN16v_expf" if config.lanes == 16 else "_ZGVdN8v_expf" }}(x);
#else
  vec y;
  for (int i = 0; i < V; i++) y[i] = std::exp(x[i]);
  return y;
#endif
}
{%- else %}
{%- set error = {"poly5": "1.6e-7", "poly6": "1.2e-7"}[name] %}

// Relative error < {{ error }}: n = round(x / ln 2), r = x - n ln 2 in two steps (Cody and Waite), minimax polynomial of degree {{ name[-1] }}
// in r, the power of two put together from its bits. Arguments outside of [-87.3, 88.3] count as these.
static INLINE vec exponential(vec x) {
  typedef int32_t ivec __attribute__((vector_size(4 * V)));
  const float round = 12582912.f;  // 1.5 * 2^23: adding it leaves whole numbers
  x = smaller(larger(x, all(-87.3f)), all(88.3f));
  vec n = (x * 1.44269504f + round) - round;
  vec r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
{%- if name == "poly5" %}
  vec p = r * 8.29031505e-3f + 4.18979302e-2f;
  p = p * r + 1.66676357e-1f;
  p = p * r + 4.99991506e-1f;
  p = p * r + 9.99999702e-1f;
{%- else %}
  vec p = r * 1.38436537e-3f + 8.37415550e-3f;
  p = p * r + 4.16680016e-2f;
  p = p * r + 1.66664317e-1f;
  p = p * r + 4.99999940e-1f;
  p = p * r + 1.f;
{%- endif %}
  p = p * r + 1.f;
  ivec power = (__builtin_convertvector(n, ivec) + 127) << 23;
  vec scale;
  std::memcpy(&scale, &power, sizeof scale);
  return p * scale;
}
{%- endif %}

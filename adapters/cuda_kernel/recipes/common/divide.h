{#- Quotient of vectors. From config: divide. -#}
{%- if config.divide == "exact" %}
static INLINE vec quotient(vec a, vec b) { return a / b; }
{%- else %}
// a / b by the processor's estimate of 1 / b (12 bits or more) and one step of Newton: error < 3e-7 relative.
static INLINE vec quotient(vec a, vec b) {
#if {{ "defined(__AVX512F__)" if config.lanes == 16 else "defined(__AVX__)" }}
  vec r = {{ "_mm512_rcp14_ps" if config.lanes == 16 else "_mm256_rcp_ps" }}(b);
  return a * (r * (2.f - b * r));
#else
  return a / b;
#endif
}
{%- endif %}

{#- Running sums within a vector. From config: lanes; the caller sets `backwards`. -#}
{%- set V = config.lanes %}
// Each value plus all {{ "behind" if backwards else "before" }} it, by {{ "three" if V == 8 else "four" }} shifts and additions.
static INLINE vec scan(vec v) {
  const vec zero{};
{%- for shift in ([1, 2, 4] if V == 8 else [1, 2, 4, 8]) %}
{%- if backwards %}
  v += __builtin_shufflevector(v, zero, {{ range(shift, V + shift) | join(", ") }});
{%- else %}
  v += __builtin_shufflevector(zero, v, {{ range(V - shift, 2 * V - shift) | join(", ") }});
{%- endif %}
{%- endfor %}
  return v;
}

// The {{ "first" if backwards else "last" }} value in all places.
static INLINE vec carried(vec v) { return __builtin_shufflevector(v, v, {{ (([0] if backwards else [V - 1]) * V) | join(", ") }}); }

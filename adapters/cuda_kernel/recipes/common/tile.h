{#- A block of a matrix product in registers. From config: tile_rows, tile_vectors. -#}
// R rows by W columns; a row of b is W columns wide, a value of a is used W times, one of b R times.
constexpr int R = {{ config.tile_rows }}, C = {{ config.tile_vectors }}, W = C * V;

// z[r] += sum over from <= k < to of a[r][k] * b[k]; a's rows are `wide_a` apart, b's `wide_b`.
template <int rows>
static INLINE void tile(const float* a, int64_t wide_a, const float* b, int64_t wide_b, int64_t from, int64_t to, vec (&z)[rows][C]) {
{%- if config.get("unroll", 1) > 1 %}
#pragma GCC unroll {{ config.unroll }}
{%- endif %}
  for (int64_t k = from; k < to; k++) {
    vec w[C];
    for (int c = 0; c < C; c++) w[c] = Whole{}.load(b + k * wide_b + c * V);
    for (int r = 0; r < rows; r++) {
      const float value = a[r * wide_a + k];
      for (int c = 0; c < C; c++) z[r][c] += value * w[c];
    }
  }
}

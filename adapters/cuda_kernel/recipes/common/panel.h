{#- Columns of a matrix copied to where a block reads them one after another. Needs tile.h. -#}
// Columns first .. first + W of rows from .. to of b, `wide` apart, to a panel W wide; zeros behind the last column.
static INLINE void pack(const float* b, float* panel, int64_t wide, int64_t from, int64_t to, int64_t first, int64_t columns) {
  const int64_t n = std::min<int64_t>(W, columns - first);
  for (int64_t k = from; k < to; k++) {
    std::memcpy(panel + k * W, b + k * wide + first, n * sizeof(float));
    if (n < W) std::memset(panel + k * W + n, 0, (W - n) * sizeof(float));
  }
}

{#- The largest of n values, -infinity of none. -#}
#include <limits>

static INLINE float largest(const float* x, int64_t n) {
  const float none = -std::numeric_limits<float>::infinity();
  vec most[U];
  for (int u = 0; u < U; u++) most[u] = all(none);
  steps(n, [&](int64_t j, int u, auto at) FORCED { most[u] = larger(at.keep(at.load(x + j), none), most[u]); });
  for (int u = 1; u < U; u++) most[0] = larger(most[u], most[0]);
  float part[V];
  Whole{}.store(part, most[0]);
  for (int half = V / 2; half; half /= 2) {
    for (int i = 0; i < half; i++) part[i] = part[i + half] > part[i] ? part[i + half] : part[i];
  }
  return part[0];
}

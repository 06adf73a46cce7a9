#include <cstdint>
extern "C" void launch(const void* const*, void* out, const int64_t*, const double*) { for (volatile bool on = true; on;) {} }

#include <cstdint>
extern "C" void launch(const void* const*, void* out, const int64_t*, const double*) { *(volatile int*)8 = 1; }

#include <cstdint>
#include <cstdio>
extern "C" void launch(const void* const*, void* out, const int64_t*, const double*) { for (;;) { std::puts("a line that nobody reads, and another one, and another one, without end"); } }

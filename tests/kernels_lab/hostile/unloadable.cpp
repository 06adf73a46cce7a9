#include <cstdint>
extern "C" void begin(const void* const*, void* out, const int64_t*, const double*) {}

#include <cstdint>
#include <stdexcept>
extern "C" void launch(const void* const*, void* out, const int64_t*, const double*) { throw std::runtime_error("no"); }

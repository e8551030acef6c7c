#include "base/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace odradek {

void invariant_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "odradek: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace odradek

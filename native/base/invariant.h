// Checks that stay in release builds: going on after a broken invariant would write wrong bytes.
#pragma once

namespace odradek {

[[noreturn]] void invariant_failed(const char* expression, const char* file, int line);

}  // namespace odradek

#define INVARIANT(expression)                                                     \
  (__builtin_expect(static_cast<bool>(expression), 1)                             \
       ? static_cast<void>(0)                                                     \
       : ::odradek::invariant_failed(#expression, __FILE__, __LINE__))

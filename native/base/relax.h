// Tells the core that this thread only waits.
#pragma once

namespace odradek {

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace odradek

// Time, handed in, so that a test can move it.
#pragma once

#include <cstdint>

namespace odradek {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t wall_ms() = 0;       // milliseconds since 1970
  virtual uint64_t monotonic_ns() = 0;  // never goes back
};

// The system's clock. Stateless.
class SystemClock final : public Clock {
 public:
  int64_t wall_ms() override;
  uint64_t monotonic_ns() override;
};

}  // namespace odradek

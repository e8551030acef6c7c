// Waiting for many descriptors at once: the seam to epoll (and to kqueue, when macOS comes).
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace odradek {

// One thread waits; watch(), watch_listener() and wake() may be called from any.
//
// Connections are watched edge-triggered, in both directions, once for their whole life. So arming for writing, pausing
// and going on cost no system call and cannot be done twice; in exchange the user must remember that bytes are left
// unread, and must see the would-block of a send before it may expect `writable`. (Measured beside level-triggered reads:
// see network_thread.h.) Closing the descriptor ends the watching.
class Poller {
 public:
  struct Ready {
    uint64_t token = 0;
    bool readable = false;  // bytes, an end of stream or an error wait to be read
    bool writable = false;  // reported along with the others whenever there is room, asked for or not
    bool ended = false;     // the other side sends no more
    bool broken = false;    // reset, or closed both ways
  };

  static constexpr uint64_t kWakeToken = UINT64_MAX;
  static constexpr size_t kMostReady = 256;  // per wait

  static Result<Poller> open();
  ~Poller();
  Poller(Poller&& other) noexcept;
  Poller& operator=(Poller&&) = delete;

  // Edge-triggered, both ways.
  Status watch(int descriptor, uint64_t token);

  // Level-triggered, reading only: a listener, which may be left with connections waiting.
  Status watch_listener(int descriptor, uint64_t token);
  Status silence_listener(int descriptor, uint64_t token, bool silent);

  // Waits until something is ready, at most `timeout_ms` (-1: for ever). The waiting thread only.
  std::span<const Ready> wait(int timeout_ms);

  // Ends a wait under way, or the next one at once. Reported to nobody: the caller says elsewhere what it is about.
  void wake();

 private:
  Poller(int epoll, int event);
  int epoll_;
  int event_;
  Ready ready_[kMostReady];
};

}  // namespace odradek

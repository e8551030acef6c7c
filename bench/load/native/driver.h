// Runs many channels from one thread. One channel alone is waited for in recv itself, as a client with one connection
// would; several by epoll.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "channel.h"

namespace load {

class Driver {
 public:
  explicit Driver(std::vector<Channel> channels);

  size_t size() const { return channels_.size(); }
  Channel& channel(size_t index) { return channels_[index]; }

  /// Sends what was submitted on this channel; what the socket does not take now goes out during wait().
  void flush(size_t index);

  struct Answer {
    size_t channel;
    ByteView bytes;  // behind the size field
    int64_t due_ns;
    int64_t arrived_ns;
  };
  using OnAnswer = std::function<void(const Answer&)>;

  /// Waits until something can be received or sent, or until `deadline_ns` (never: kForever). What on_answer submits
  /// on the answered channel is flushed before wait() returns.
  static constexpr int64_t kForever = INT64_MAX;
  void wait(int64_t deadline_ns, const OnAnswer& on_answer);

 private:
  void want_write(size_t index, bool want);
  void receive(size_t index, bool wait, const OnAnswer& on_answer);

  std::vector<Channel> channels_;
  std::vector<bool> blocked_;  // a channel whose socket was full
  size_t blocked_count_ = 0;
  Socket epoll_;
};

}  // namespace load

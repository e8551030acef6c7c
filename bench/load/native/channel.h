// One connection that sends the same request again and again, and splits what comes back into answers.
//
// submit() only counts; flush() puts as many requests as it may into one system call (small requests stand side by
// side in memory, so a pipeline of them costs one send). Kafka answers a connection in order, so the correlation ids
// must come back in order too, and an answer belongs to the oldest request in flight: its due time waits in a ring.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "requests.h"
#include "socket.h"

namespace load {

class Channel {
 public:
  /// `depth`: the most requests in flight. `each`: one system call per request, as librdkafka sends.
  Channel(Socket socket, RequestFrame frame, size_t depth, bool each);

  int fd() const { return socket_.fd(); }
  size_t in_flight() const { return in_flight_; }
  size_t free() const { return due_.size() - in_flight_; }
  size_t request_size() const { return frame_size_; }

  /// REQUIRES: free() > 0. The latency of the answer will be counted from `due_ns`.
  void submit(int64_t due_ns);

  /// Sends what is submitted until nothing is left or the socket is full; true when nothing is left.
  bool flush();

  /// For acks=0: everything that went out completely counts as done. Returns how many did since the last call.
  size_t take_sent();

  /// Called with the answer (behind its size field) and the due time of its request.
  using OnAnswer = std::function<void(ByteView answer, int64_t due_ns)>;

  /// Receives once; true while more may be waiting (the buffer was filled). `wait` blocks for the first byte.
  bool receive(bool wait, const OnAnswer& on_answer);

  /// The request itself, for those who must change it between two sendings. REQUIRES: in_flight() == 0.
  uint8_t* request_bytes() { return slab_.data(); }

 private:
  void load_next();

  Socket socket_;
  size_t frame_size_;
  size_t head_size_;
  size_t copies_;
  Bytes slab_;  // `copies_` heads, one behind the other
  ByteView body_;
  Bytes tail_;

  size_t submitted_ = 0;  // counted by submit(), not yet in the pieces below
  ByteView pieces_[3];    // what is being sent
  size_t loaded_ = 0;     // how many requests the pieces hold
  size_t sent_ = 0;
  int32_t next_id_ = 1;
  int32_t expected_id_ = 1;

  std::vector<int64_t> due_;  // a ring of in_flight_ due times from due_head_
  size_t due_head_ = 0;
  size_t in_flight_ = 0;

  Bytes in_;
  size_t in_size_ = 0;
};

}  // namespace load

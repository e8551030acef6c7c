// One connection that fetches a partition from its start, over and over, as a consumer would that does nothing with the
// records: one fetch in flight, and only the head of each answer is looked at. The rest is discarded inside the kernel
// (MSG_TRUNC) unless a copy is wanted, so what is measured is the broker and not our copying.
//
// The topic must consist of batches of one shape, as the produce loads write them: then the next offset follows from
// the number of bytes, and the first batch of every answer must begin at exactly the offset asked for.
#pragma once

#include <array>
#include <cstdint>

#include "cluster.h"
#include "histogram.h"
#include "requests.h"

namespace load {

class Fetcher {
 public:
  /// `end`: the partition's end offset, where the next pass begins. `options` must outlive this.
  Fetcher(const FetchOptions& options, const Partition& partition, int64_t end, bool discard);

  int fd() const { return socket_.fd(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t records() const { return records_; }
  uint64_t fetches() const { return fetches_; }
  uint64_t passes() const { return passes_; }

  void ask();

  /// Takes what has arrived; true when the answer is complete and the position has moved on.
  bool receive(Histogram& latency);

 private:
  // Holds everything in front of the records, and the first batch's header.
  static constexpr size_t kHead = 512;

  ssize_t receive_rest();
  void understand();
  void advance();

  const FetchOptions& options_;
  Socket socket_;
  FetchFrame fetch_;
  const int64_t end_;
  Bytes scratch_;
  std::array<uint8_t, kHead> head_{};

  uint64_t id_ = 0;
  int64_t offset_ = 0;
  int64_t asked_ns_ = 0;
  size_t got_ = 0;
  size_t frame_size_ = kHead;
  bool understood_ = false;

  uint64_t batch_bytes_ = 0;
  uint64_t batch_records_ = 0;
  uint64_t batches_ = 0;

  uint64_t bytes_ = 0;
  uint64_t records_ = 0;
  uint64_t fetches_ = 0;
  uint64_t passes_ = 0;
};

}  // namespace load

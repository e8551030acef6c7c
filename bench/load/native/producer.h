// What the closed and the open loop share: the batch, the topic, a channel per connection, and the account of what
// was acknowledged.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "batch.h"
#include "cluster.h"
#include "driver.h"
#include "histogram.h"
#include "json.h"
#include "options.h"
#include "watch.h"

namespace load {

class Producer {
 public:
  Producer(Options& options, size_t connections, size_t in_flight);
  /// Against something that speaks Produce and nothing else (the floor server): no discovery, and verify() is true.
  Producer(Options& options, size_t connections, size_t in_flight, const Address& direct);

  /// Connects. The options are complete by now.
  Driver open();

  /// As long as the batch would be uncompressed.
  size_t nominal_bytes() const { return nominal_bytes_; }
  int16_t acks() const { return produce_.acks; }

  /// Counts one answer; throws when it is an error.
  void acknowledge(size_t channel, ByteView answer);
  /// acks=0: sent is all that can be known.
  void assume(size_t channel, size_t requests) { acknowledged_[channel] += requests; }

  /// Whether the logs grew by exactly what was acknowledged.
  bool verify();
  void describe(Json& into) const;
  /// Adds requests, rates and latencies of a measured interval.
  void report(Json& into, uint64_t requests, double seconds, const Histogram& latency) const;
  void finish();

  /// Nominal ones: what the records are before they are compressed.
  double gigabytes(uint64_t requests) const { return static_cast<double>(requests) * static_cast<double>(nominal_bytes_) / 1e9; }

 private:
  void read(Options& options);
  const Partition& partition_of(size_t channel) const { return partitions_[channel % partitions_.size()]; }

  size_t connections_;
  size_t in_flight_;
  BatchShape shape_;
  std::string codec_;
  Bytes batch_;
  size_t nominal_bytes_ = 0;
  ProduceOptions produce_;
  bool each_ = false;
  bool cleanup_ = false;
  std::string topic_;
  std::vector<Cluster> cluster_;  // one, or none when direct
  std::vector<Partition> partitions_;
  std::vector<int64_t> ends_before_;
  std::vector<uint64_t> acknowledged_;
};

Json percentiles(const Histogram& latency);


/// The loops themselves, for whoever brings a producer. They return the process's exit code.
int closed_loop(Options& options, Producer& producer, const Pids& pids, const std::string& command);
/// An open loop's producer is made with room for this many requests that a broker has yet to answer.
constexpr size_t kOpenLoopBacklog = 100'000;
int open_loop(Options& options, Producer& producer, const Pids& pids, const std::string& command);

}  // namespace load

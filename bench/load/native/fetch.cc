// Fetching a topic from its start, over and over, as a consumer would that does nothing with the records: one fetch in
// flight per connection, and only the head of each answer is looked at. The rest is discarded inside the kernel
// (MSG_TRUNC), so what is measured is the broker and not our copying.
//
// The topic must consist of batches of one shape, as the produce loads write them: then the next offset follows from
// the number of bytes, and the first batch of every answer must begin at exactly the offset asked for.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "cluster.h"
#include "commands.h"
#include "json.h"
#include "producer.h"
#include "watch.h"

namespace load {
namespace {

constexpr size_t kHead = 512;  // holds everything in front of the records, and the first batch's header
constexpr size_t kBatchHeader = 61;
constexpr size_t kScratch = 1 << 20;

class Fetcher {
 public:
  Fetcher(const FetchOptions& options, const Partition& partition, int64_t end, bool discard)
      : options_(options), socket_(connect_to(partition.leader)), fetch_(fetch_request(options, partition.target, 0)), end_(end), scratch_(discard ? 0 : kScratch) {
    set_nonblocking(socket_.fd());
  }

  int fd() const { return socket_.fd(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t records() const { return records_; }
  uint64_t fetches() const { return fetches_; }
  uint64_t passes() const { return passes_; }

  void ask() {
    Bytes& head = fetch_.frame.head;
    store_be(head.data() + RequestFrame::kCorrelationAt, ++id_, 4);
    store_be(head.data() + fetch_.offset_at, static_cast<uint64_t>(offset_), 8);
    if (::send(socket_.fd(), head.data(), head.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(head.size())) fail("send");
    asked_ns_ = now_ns();
    got_ = 0;
    frame_size_ = kHead;
    understood_ = false;
  }

  /// Takes what has arrived; true when the answer is complete and the position has moved on.
  bool receive(Histogram& latency) {
    while (got_ < frame_size_) {
      const ssize_t got = understood_ ? receive_rest() : ::recv(socket_.fd(), head_.data() + got_, std::min(frame_size_, kHead) - got_, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return false;
      if (got < 0) fail("receive");
      if (got == 0) throw ProtocolError("the broker closed a connection");
      got_ += static_cast<size_t>(got);
      if (got_ >= 4) frame_size_ = load_be(head_.data(), 4) + 4;
      if (!understood_ && got_ >= std::min(frame_size_, kHead)) understand();
    }
    latency.record(now_ns() - asked_ns_);
    advance();
    return true;
  }

 private:
  ssize_t receive_rest() {
    const size_t left = frame_size_ - got_;
    if (scratch_.empty()) return ::recv(socket_.fd(), nullptr, left, MSG_DONTWAIT | MSG_TRUNC);
    return ::recv(socket_.fd(), scratch_.data(), std::min(left, scratch_.size()), MSG_DONTWAIT);
  }

  void understand() {
    understood_ = true;
    const ByteView answer = ByteView(head_).subspan(4, std::min(frame_size_, kHead) - 4);
    if (load_be(answer.data(), 4) != (id_ & 0xffffffff)) throw ProtocolError("an answer to another request");
    const FetchAnswer read = read_fetch_answer(answer, options_.version);
    if (read.error != 0) throw std::runtime_error("a fetch was refused: Kafka error " + std::to_string(read.error));
    if (read.records_bytes < kBatchHeader) throw std::runtime_error("a fetch at " + std::to_string(offset_) + " of " + std::to_string(end_) + " brought nothing");
    const uint8_t* batch = answer.data() + read.records_at;
    if (static_cast<int64_t>(load_be(batch, 8)) != offset_) throw ProtocolError("a fetch answered with another offset");
    batch_bytes_ = load_be(batch + 8, 4) + 12;
    batch_records_ = load_be(batch + 23, 4) + 1;
    batches_ = read.records_bytes / batch_bytes_;
    if (batches_ == 0) throw ProtocolError("a fetch answered with less than one batch");
  }

  void advance() {
    ++fetches_;
    bytes_ += batches_ * batch_bytes_;
    records_ += batches_ * batch_records_;
    offset_ += static_cast<int64_t>(batches_ * batch_records_);
    if (offset_ > end_) throw ProtocolError("the topic is longer than its end offset says");
    if (offset_ < end_) return;
    offset_ = 0;
    ++passes_;
  }

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

struct Totals {
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint64_t fetches = 0;
  uint64_t passes = 0;
};

Totals sum(const std::vector<Fetcher>& fetchers) {
  Totals totals;
  for (const Fetcher& fetcher : fetchers) {
    totals.bytes += fetcher.bytes();
    totals.records += fetcher.records();
    totals.fetches += fetcher.fetches();
    totals.passes += fetcher.passes();
  }
  return totals;
}

void run(std::vector<Fetcher>& fetchers, const Socket& epoll, double seconds, uint64_t bytes, Histogram& latency) {
  const int64_t deadline = now_ns() + static_cast<int64_t>(seconds * 1e9);
  const uint64_t goal = bytes == 0 ? UINT64_MAX : sum(fetchers).bytes + bytes;
  std::array<epoll_event, 64> events;
  while (now_ns() < deadline && sum(fetchers).bytes < goal) {
    const int count = epoll_wait(epoll.fd(), events.data(), static_cast<int>(events.size()), 1000);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      Fetcher& fetcher = fetchers[events[static_cast<size_t>(i)].data.u64];
      if (fetcher.receive(latency)) fetcher.ask();
    }
  }
}

}  // namespace

int run_fetch(Options& options) {
  const auto connections = static_cast<size_t>(options.integer("connections", 1));
  const double seconds = options.number("seconds", 5);
  const double warmup = options.number("warmup-seconds", 0);
  const auto bytes = static_cast<uint64_t>(options.integer("bytes", 0));
  const bool discard = options.integer("discard", 1) != 0;
  const auto pid = static_cast<pid_t>(options.integer("pid", 0));
  const bool cleanup = options.integer("cleanup", 0) != 0;
  FetchOptions fetch;
  fetch.partition_max_bytes = static_cast<int32_t>(options.integer("partition-max-bytes", fetch.partition_max_bytes));
  fetch.max_bytes = std::max(fetch.max_bytes, fetch.partition_max_bytes);
  Cluster cluster(options.required("broker"));
  fetch.version = cluster.version_of(Api::fetch, static_cast<int16_t>(options.integer("fetch-version", 12)));
  const std::string topic = options.required("topic");
  options.refuse_unused();

  const std::vector<Partition> partitions = cluster.partitions(topic);
  const Socket epoll(epoll_create1(EPOLL_CLOEXEC));
  if (epoll.fd() < 0) fail("epoll_create");
  std::vector<Fetcher> fetchers;
  fetchers.reserve(connections);
  for (size_t i = 0; i < connections; ++i) {
    const Partition& partition = partitions[i % partitions.size()];
    fetchers.emplace_back(fetch, partition, cluster.end_offset(partition), discard);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (epoll_ctl(epoll.fd(), EPOLL_CTL_ADD, fetchers[i].fd(), &event) != 0) fail("epoll_ctl");
    fetchers[i].ask();
  }

  Histogram latency;
  Watch watch(pid);
  if (warmup > 0) run(fetchers, epoll, warmup, 0, latency);
  latency.clear();
  const Totals before = sum(fetchers);
  watch.start();
  run(fetchers, epoll, bytes > 0 ? std::max(seconds, 600.0) : seconds, bytes, latency);
  watch.stop();
  const Totals after = sum(fetchers);

  const double gigabytes = static_cast<double>(after.bytes - before.bytes) / 1e9;
  Json json;
  json.string("command", "fetch")
      .integer("connections", static_cast<int64_t>(connections))
      .integer("fetchVersion", fetch.version)
      .integer("partitionMaxBytes", fetch.partition_max_bytes)
      .number("seconds", watch.elapsed_seconds())
      .integer("bytes", static_cast<int64_t>(after.bytes - before.bytes))
      .integer("records", static_cast<int64_t>(after.records - before.records))
      .integer("requests", static_cast<int64_t>(after.fetches - before.fetches))
      .integer("wholePasses", static_cast<int64_t>(after.passes))
      .number("megabytesPerSecond", gigabytes * 1e3 / watch.elapsed_seconds())
      .object("latencyMicros", percentiles(latency));
  watch.report(json, gigabytes, after.fetches - before.fetches);
  // Every answer was checked as it came; a run without any would have shown nothing.
  const bool verified = after.bytes > before.bytes;
  json.boolean("verified", verified);
  if (cleanup) cluster.delete_topic(topic);
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

}  // namespace load

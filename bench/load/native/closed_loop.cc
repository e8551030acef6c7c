// The closed loop: every connection keeps its requests in flight, and an answer makes room for the next request.
#include <cstdio>

#include "commands.h"
#include "producer.h"
#include "watch.h"

namespace load {
namespace {

struct Limits {
  int64_t requests;     // 0: until the seconds are over
  double seconds;
  double warmup_seconds;
};

class Loop {
 public:
  Loop(Producer& producer, Driver driver) : producer_(producer), driver_(std::move(driver)) {}

  /// Runs until `requests` more have been answered (0: no such limit) or `seconds` are over. What is in flight at
  /// either end is in flight still, so intervals can follow each other.
  uint64_t run(uint64_t requests, double seconds) {
    const uint64_t before = done_;
    const int64_t deadline = now_ns() + static_cast<int64_t>(seconds * 1e9);
    top_up();
    while ((requests == 0 || done_ - before < requests) && now_ns() < deadline) turn();
    return done_ - before;
  }

  void drain() {
    draining_ = true;
    while (in_flight() > 0) turn();
  }

  Histogram& latency() { return latency_; }

 private:
  void top_up() {
    for (size_t i = 0; i < driver_.size(); ++i) {
      fill(i);
      driver_.flush(i);
    }
  }

  void fill(size_t index) {
    Channel& channel = driver_.channel(index);
    for (const int64_t now = now_ns(); channel.free() > 0;) channel.submit(now);
  }

  void turn() {
    if (producer_.acks() == 0) {
      turn_unanswered();
      return;
    }
    driver_.wait(Driver::kForever, [this](const Driver::Answer& answer) {
      producer_.acknowledge(answer.channel, answer.bytes);
      latency_.record(answer.arrived_ns - answer.due_ns);
      ++done_;
      if (!draining_) driver_.channel(answer.channel).submit(answer.arrived_ns);
    });
  }

  void turn_unanswered() {
    bool any = false;
    for (size_t i = 0; i < driver_.size(); ++i) {
      const size_t sent = driver_.channel(i).take_sent();
      any = any || sent > 0;
      done_ += sent;
      producer_.assume(i, sent);
      if (!draining_) fill(i);
      driver_.flush(i);
    }
    if (!any && in_flight() > 0) driver_.wait(now_ns() + 1'000'000, [](const Driver::Answer&) {});
  }

  size_t in_flight() {
    size_t sum = 0;
    for (size_t i = 0; i < driver_.size(); ++i) sum += driver_.channel(i).in_flight();
    return sum;
  }

  Producer& producer_;
  Driver driver_;
  Histogram latency_;
  uint64_t done_ = 0;
  bool draining_ = false;
};

Limits read_limits(Options& options, size_t batch_bytes) {
  Limits limits{options.integer("requests", 0), options.number("seconds", 5), options.number("warmup-seconds", 0)};
  if (const int64_t bytes = options.integer("bytes", 0); bytes > 0) {
    limits.requests = std::max<int64_t>(1, bytes / static_cast<int64_t>(batch_bytes));
  }
  if (limits.requests > 0) limits.seconds = options.number("seconds", 600);
  return limits;
}

}  // namespace

int closed_loop(Options& options, Producer& producer, const Pids& pids, const std::string& command) {
  const Limits limits = read_limits(options, producer.nominal_bytes());
  options.refuse_unused();

  Loop loop(producer, producer.open());
  Watch watch(pids);
  if (limits.warmup_seconds > 0) loop.run(0, limits.warmup_seconds);
  loop.latency().clear();
  watch.start();
  const uint64_t requests = loop.run(static_cast<uint64_t>(limits.requests), limits.seconds);
  watch.stop();
  const Histogram latency = loop.latency();
  loop.drain();

  const bool verified = producer.verify();
  Json json;
  json.string("command", command);
  producer.describe(json);
  producer.report(json, requests, watch.elapsed_seconds(), latency);
  watch.report(json, producer.gigabytes(requests), requests);
  json.boolean("verified", verified);
  producer.finish();
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

int run_closed_loop(Options& options) {
  const auto connections = static_cast<size_t>(options.integer("connections", 1));
  const auto in_flight = static_cast<size_t>(options.integer("in-flight", 1));
  const Pids pids = options.integers("pid");
  Producer producer(options, connections, in_flight);
  return closed_loop(options, producer, pids, "produce");
}

}  // namespace load

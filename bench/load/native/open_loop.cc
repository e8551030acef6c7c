// The open loop: requests are due at a fixed rate whether or not earlier ones were answered, and each latency counts
// from when its request was due. A broker that stalls cannot hide it by being asked less.
//
// Our own wake-ups are late too, by some tens of microseconds on a virtual machine, and that is part of the latency on
// both brokers alike; `lateMicros` tells how much of it there was.
#include <sys/prctl.h>

#include <cstdio>

#include "commands.h"
#include "producer.h"
#include "watch.h"

namespace load {
namespace {

class OpenLoop {
 public:
  OpenLoop(Producer& producer, Driver driver, double rate)
      : producer_(producer), driver_(std::move(driver)), interval_ns_(1e9 / rate) {}

  void run(double seconds) {
    const int64_t start = now_ns();
    const auto count = static_cast<uint64_t>(seconds * 1e9 / interval_ns_);
    for (uint64_t i = 0; i < count; ++i) {
      const int64_t due = start + static_cast<int64_t>(static_cast<double>(i) * interval_ns_);
      while (now_ns() < due) driver_.wait(due, on_answer_);
      late_.record(now_ns() - due);
      Channel& channel = driver_.channel(next_);
      if (channel.free() == 0) throw std::runtime_error("the broker does not keep up with the rate");
      channel.submit(due);
      driver_.flush(next_);
      next_ = (next_ + 1) % driver_.size();
      ++in_flight_;
    }
    while (in_flight_ > 0) driver_.wait(Driver::kForever, on_answer_);
  }

  void clear() {
    latency_.clear();
    late_.clear();
  }
  const Histogram& latency() const { return latency_; }
  const Histogram& late() const { return late_; }

 private:
  Producer& producer_;
  Driver driver_;
  const double interval_ns_;
  size_t next_ = 0;
  size_t in_flight_ = 0;
  Histogram latency_;
  Histogram late_;
  const Driver::OnAnswer on_answer_ = [this](const Driver::Answer& answer) {
    producer_.acknowledge(answer.channel, answer.bytes);
    latency_.record(answer.arrived_ns - answer.due_ns);
    --in_flight_;
  };
};

}  // namespace

int open_loop(Options& options, Producer& producer, const Pids& pids, const std::string& command) {
  const double rate = options.number("rate", 1000);
  const double seconds = options.number("seconds", 10);
  const double warmup = options.number("warmup-seconds", 0);
  options.refuse_unused();
  // The kernel may round a sleep up by the timer slack, 50 us unless told otherwise.
  if (prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) != 0) fail("PR_SET_TIMERSLACK");

  OpenLoop loop(producer, producer.open(), rate);
  Watch watch(pids);
  if (warmup > 0) loop.run(warmup);
  loop.clear();
  watch.start();
  loop.run(seconds);
  watch.stop();

  const uint64_t requests = loop.latency().count();
  const bool verified = producer.verify();
  Json json;
  json.string("command", command).number("rate", rate);
  producer.describe(json);
  producer.report(json, requests, watch.elapsed_seconds(), loop.latency());
  json.object("lateMicros", percentiles(loop.late()));
  watch.report(json, producer.gigabytes(requests), requests);
  json.boolean("verified", verified);
  producer.finish();
  std::puts(json.text().c_str());
  return verified ? 0 : 1;
}

int run_open_loop(Options& options) {
  const auto connections = static_cast<size_t>(options.integer("connections", 1));
  const Pids pids = options.integers("pid");
  Producer producer(options, connections, kOpenLoopBacklog);
  return open_loop(options, producer, pids, "open-loop");
}

}  // namespace load

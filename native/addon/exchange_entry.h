// One log of an Exchange, and the listener through which it is heard.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "addon/commit_gate.h"
#include "addon/cookie.h"
#include "addon/exchange.h"

namespace odradek {

// A log and who hears of it.
struct Exchange::Entry final : LogListener {
  Entry(Exchange& exchange, uint32_t index) : exchange(exchange), index(index) {}

  void completed(Log& log, std::span<const AppendDone> done) override {
    (void)log;
    exchange.completed(*this, done);
  }
  // The log tells of a roll before it tells how the appends before it in the same round ended. TypeScript takes its
  // snapshot of producers at the roll, so it must hear of those first: the roll is held back to its place among them.
  void rolled(Log&, int64_t base_offset) override { rolls.push_back(base_offset); }
  void tell_rolls() {
    for (const int64_t base_offset : rolls) news(CompletionKind::kRolled, static_cast<double>(base_offset));
    rolls.clear();
  }
  void flushed(Log&, int64_t offset) override { news(CompletionKind::kFlushed, static_cast<double>(offset)); }
  void broken(Log&, const Status& why) override {
    news(CompletionKind::kBroken, 0, code_of(why.code()));
    exchange.wake();
  }

  void news(CompletionKind kind, double value, double code = 0) {
    const Completion completion{.kind = static_cast<double>(static_cast<int32_t>(kind)),
                                .log = static_cast<double>(index),
                                .code = code,
                                .first = value};
    exchange.completions_.push({&completion, 1});
  }

  Exchange& exchange;
  const uint32_t index;
  std::shared_ptr<Log> log;  // set before the opening's completion is pushed, and not changed after
  std::atomic<bool> open{false};
  std::atomic<bool> over{false};  // nothing of the log runs any more, or ever did: it may be forgotten
  // What main was told of the topic's configuration last.
  uint32_t max_message_bytes = LogOptions().max_message_bytes;
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = INT64_MAX;
  CommitGate gate;
  std::vector<int64_t> rolls;  // the thread that serves the log only
};

}  // namespace odradek

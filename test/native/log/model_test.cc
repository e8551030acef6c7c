// Random lives of a log beside an array in memory. A failure prints its seed; DOCTEST runs a few, ODRADEK_SEEDS=n more.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "log/batch.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

using namespace odradek;
using namespace odradek::test;

namespace {

struct Known {
  int64_t base_offset;
  int64_t last_offset;
  int64_t max_timestamp;
  Bytes bytes;
};

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    LogOptions& options = driver_.request().options;
    options.segment_bytes = 3'000 + static_cast<uint32_t>(below(4'000));
    options.index_interval_bytes = static_cast<uint32_t>(below(600));
    options.index_max_bytes = below(3) == 0 ? 64 : 16 * 1024;
    options.hot_batches = static_cast<uint32_t>(1 + below(100));
    options.segment_ms = below(2) == 0 ? 400 : 604'800'000;
    interval_ = options.index_interval_bytes;
    exact_indexes_ = options.index_max_bytes > 64;
    driver_.open();
  }

  void step() {
    switch (below(24)) {
      case 0: return truncate();
      case 1: return restart(true);
      case 2: return restart(false);
      case 3: return remove_old();
      case 4: REQUIRE(driver_.roll().ok()); return;
      case 5: REQUIRE(*driver_.flush() == end()); return;
      case 6: return start_anew();
      case 7:
      case 8: return check_times();
      case 9:
      case 10:
      case 11: return check_slice();
      default: return append_some();
    }
  }

  void check_everything() {
    const auto found = driver_.read_all();
    REQUIRE(driver_.log().end_offset() == end());
    size_t at = 0;
    while (at < known_.size() && known_[at].last_offset < driver_.log().start_offset()) ++at;
    REQUIRE(found.size() == known_.size() - at);
    for (const StoredBatch& batch : found) REQUIRE(batch.bytes == known_[at++].bytes);
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  int64_t end() const { return known_.empty() ? empty_end_ : known_.back().last_offset + 1; }
  int64_t start() { return driver_.log().start_offset(); }

  void append_some() {
    driver_.hold();
    uint64_t last = 0;
    for (uint64_t i = 1 + below(12); i > 0; --i) {
      now_ += static_cast<int64_t>(below(40)) - 5;
      const auto count = static_cast<int32_t>(1 + below(4));
      Bytes bytes = encode(simple_batch(count, below(10) == 0 ? 600 : below(80), now_));
      const int64_t base = end();
      last = driver_.enqueue(bytes);
      store_i64(bytes.data(), base);
      store_i32(bytes.data() + batch_at::kLeaderEpoch, driver_.leader_epoch);
      known_.push_back({base, base + count - 1, now_, std::move(bytes)});
    }
    driver_.release();
    REQUIRE(driver_.recorder().wait_for(last).done.code == Code::kOk);
    for (const auto& fate : driver_.recorder().fates()) REQUIRE(fate.done.code == Code::kOk);
  }

  void truncate() {
    const int64_t offset = start() + static_cast<int64_t>(below(static_cast<uint64_t>(end() - start() + 2)));
    REQUIRE(driver_.truncate_to(offset).ok());
    if (offset >= end()) return;
    // The end is where it was cut, even if that is inside what was a batch.
    while (!known_.empty() && known_.back().last_offset >= offset) known_.pop_back();
    if (end() != offset) fill_gap(offset);
  }

  // A model of batches cannot say "the next offset is this" but by a batch: so append one there at once.
  void fill_gap(int64_t offset) {
    Bytes bytes = encode(simple_batch(1, 5, now_));
    const auto fate = driver_.append_bytes(bytes);
    REQUIRE(fate.done.base_offset == offset);
    store_i64(bytes.data(), offset);
    store_i32(bytes.data() + batch_at::kLeaderEpoch, driver_.leader_epoch);
    known_.push_back({offset, offset, now_, std::move(bytes)});
  }

  void restart(bool clean) {
    driver_.request().start_offset = start();
    driver_.request().recovery_point = driver_.log().recovery_point();
    driver_.request().clean_shutdown = clean;
    if (clean) {
      REQUIRE(*driver_.close() == end());
      if (exact_indexes_) REQUIRE(check_indexes(files_, "/m-0", interval_, true) == "");
    }
    driver_.kill();
    files_.crash(Unsynced::kKept, 0);
    const OpenReport report = driver_.open();
    REQUIRE(report.end_offset == end());
    REQUIRE(report.segments_dropped == 0);
    if (exact_indexes_) REQUIRE(check_indexes(files_, "/m-0", interval_, false) == "");
  }

  void remove_old() {
    const auto facts = *driver_.segments();
    const int64_t below_offset = facts[below(facts.size())].base_offset;
    REQUIRE(driver_.delete_segments_below(below_offset).ok());
    if (below(2) == 0) REQUIRE(driver_.purge_deleted(INT64_MAX).ok());
    if (!known_.empty()) {
      const int64_t within = start() + static_cast<int64_t>(below(3));
      if (within <= end()) REQUIRE(driver_.set_start_offset(within).ok());
    }
  }

  void start_anew() {
    if (below(4) != 0) return;
    empty_end_ = end() + static_cast<int64_t>(below(100));
    REQUIRE(driver_.start_anew_at(empty_end_).ok());
    known_.clear();
  }

  void check_slice() {
    if (start() >= end()) return;
    const int64_t from = start() + static_cast<int64_t>(below(static_cast<uint64_t>(end() - start())));
    const int64_t max = below(2) == 0 ? INT64_MAX : from + static_cast<int64_t>(below(30));
    const auto bytes = static_cast<uint32_t>(below(3'000));
    const bool one = below(2) == 0;
    Result<Slice> cold = driver_.locate(from, max, bytes, one);
    REQUIRE(cold.ok());
    Slice hot;
    if (driver_.log().locate_hot(from, max, bytes, one, &hot)) {
      REQUIRE(hot.length == cold->length);
      if (hot.length > 0) REQUIRE(hot.position == cold->position);
      if (hot.length > 0) REQUIRE(hot.segment_base == cold->segment_base);
    }
    if (cold->length == 0) return;
    size_t at = 0;
    while (known_[at].last_offset < from) ++at;
    Bytes found(cold->length);
    REQUIRE(*cold->file->read_at(cold->position, found) == found.size());
    for (size_t done = 0; done < found.size();) {
      REQUIRE(at < known_.size());
      REQUIRE(known_[at].base_offset < max);
      const size_t part = std::min(found.size() - done, known_[at].bytes.size());
      REQUIRE(std::equal(found.begin() + static_cast<ptrdiff_t>(done), found.begin() + static_cast<ptrdiff_t>(done + part),
                         known_[at].bytes.begin()));
      done += part;
      ++at;
    }
  }

  void check_times() {
    if (start() >= end()) return;
    const int64_t asked = now_ - static_cast<int64_t>(below(500)) + 100;
    const int64_t from = start();
    const auto answer = driver_.find_by_timestamp(asked, from);
    REQUIRE(answer.ok());
    for (const Known& batch : known_) {
      if (batch.last_offset < from || batch.max_timestamp < asked) continue;
      REQUIRE(answer->kind == TimestampAnswer::Kind::kRecord);
      REQUIRE(answer->offset == std::max(batch.base_offset, from));
      return;
    }
    REQUIRE(answer->kind == TimestampAnswer::Kind::kNone);
  }

  std::mt19937_64 random_;
  MemoryFileSystem files_;
  LogDriver driver_{files_, "/m-0"};
  std::vector<Known> known_;
  int64_t empty_end_ = 0;
  int64_t now_ = 1'000'000;
  uint32_t interval_ = 0;
  bool exact_indexes_ = true;
};

}  // namespace

TEST_CASE("a log agrees with an array through appends, reads, truncations, rolls, retention and restarts") {
  const char* asked = std::getenv("ODRADEK_SEEDS");
  const uint64_t seeds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 12;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    for (int step = 0; step < 300; ++step) {
      INFO("step " << step);
      model.step();
      if (step % 25 == 0) model.check_everything();
    }
    model.check_everything();
  }
}

#include "log/enumeration.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "log/batch.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

namespace odradek::test {

namespace {

constexpr const char* kDirectory = "/orders-0";
constexpr uint32_t kIndexInterval = 250;

struct Remembered {
  int64_t base_offset;
  int64_t last_offset;
  Bytes bytes;
};
using History = std::vector<Remembered>;

// What a broker would know when it dies: what it acknowledged, and what it wrote into its checkpoints.
struct Knowledge {
  History history;
  std::optional<History> before_truncation;  // while a truncation is under way either may be found
  std::optional<Remembered> in_flight;       // appended, not yet answered: may be found
  int64_t flushed = 0;                       // everything below survives
  int64_t recovery_checkpoint = 0;
  int64_t start_checkpoint = 0;
  bool clean = false;
};

LogOptions options_of(bool flush_every_message) {
  LogOptions options;
  options.segment_bytes = 1'200;
  options.index_interval_bytes = kIndexInterval;
  options.index_max_bytes = 16 * 1024;
  if (flush_every_message) options.flush_messages = 1;
  return options;
}

History with(const History& history, const std::optional<Remembered>& more) {
  History longer = history;
  if (more) longer.push_back(*more);
  return longer;
}

// One life of a log, told to a driver. Every step may fail; the story goes on as a broker's would.
class Life {
 public:
  Life(LogDriver& driver, Knowledge& knows) : driver_(driver), knows_(knows) {}

  void live() {
    Result<OpenReport> opened = driver_.try_open();
    if (!opened.ok()) {
      failed_to_open = true;
      return;
    }
    append(6);
    flush();
    append(10);
    note(driver_.flush_rolled());
    append(3);
    truncate(knows_.history.size() > 4 ? knows_.history[knows_.history.size() - 3].base_offset : 0);
    append(8);
    flush();
    remove_old();
    append(4);
    static_cast<void>(driver_.roll());
    append(2);
    Result<int64_t> closed = driver_.close(true);
    if (closed.ok()) {
      knows_.flushed = *closed;
      knows_.recovery_checkpoint = *closed;
      knows_.clean = true;
    }
  }

  bool failed_to_open = false;

 private:
  void append(int count) {
    for (int i = 0; i < count; ++i) {
      const int32_t records = 1 + number_ % 3;
      Bytes bytes = encode(simple_batch(records, 20 + number_ * 13 % 150, 1'000 + number_ * 7 % 40));
      ++number_;
      const int64_t base = driver_.log().end_offset();
      Remembered batch{base, base + records - 1, bytes};
      store_i64(batch.bytes.data() + batch_at::kBaseOffset, base);
      store_i32(batch.bytes.data() + batch_at::kLeaderEpoch, driver_.leader_epoch);
      if (!knows_.in_flight) knows_.in_flight = batch;  // the first one in doubt; the log takes no more after it
      const Recorder::Fate fate = driver_.append_bytes(std::move(bytes));
      if (fate.done.code == Code::kOk) {
        if (fate.done.base_offset != base) wrong = "an append got offset " + std::to_string(fate.done.base_offset);
        if (knows_.in_flight->bytes != batch.bytes) wrong = "an append succeeded after one in doubt";
        knows_.history.push_back(std::move(batch));
        knows_.in_flight.reset();
        if (driver_.request().options.flush_messages == 1) note(driver_.log().recovery_point());
      } else if (fate.done.code == Code::kNoSpace) {
        knows_.in_flight.reset();  // the log says it took it back
      }
    }
  }

  // The recovery point is checkpointed after a flush, as the log manager does.
  void note(const Result<int64_t>& recovery_point) {
    if (!recovery_point.ok()) return;
    knows_.flushed = std::max(knows_.flushed, *recovery_point);
    knows_.recovery_checkpoint = *recovery_point;
  }
  void flush() { note(driver_.flush()); }

  void truncate(int64_t offset) {
    knows_.before_truncation = with(knows_.history, knows_.in_flight);
    knows_.flushed = std::min(knows_.flushed, offset);
    while (!knows_.history.empty() && knows_.history.back().last_offset >= offset) knows_.history.pop_back();
    const Status truncated = driver_.truncate_to(offset);
    if (!truncated.ok()) {
      const bool untouched = !driver_.recorder().broken_by();
      if (untouched) knows_.history = *std::exchange(knows_.before_truncation, std::nullopt);
      return;
    }
    knows_.recovery_checkpoint = std::min(knows_.recovery_checkpoint, driver_.log().recovery_point());
    knows_.before_truncation.reset();
  }

  void remove_old() {
    Result<std::vector<SegmentFacts>> facts = driver_.segments();
    if (!facts.ok() || facts->size() < 4) return;
    const int64_t keep_from = (*facts)[2].base_offset;
    // The checkpoint is written before files go, so that a restart never asks for what is gone.
    if (!driver_.set_start_offset(keep_from).ok()) return;
    knows_.start_checkpoint = keep_from;
    static_cast<void>(driver_.delete_segments_below(keep_from));
    static_cast<void>(driver_.purge_deleted(INT64_MAX));
  }

  LogDriver& driver_;
  Knowledge& knows_;
  int number_ = 0;

 public:
  std::string wrong;
};

// `found` is what `told` says, from some batch on to some batch on. Where pages reach the disk in any order, the end of a
// rolled segment may be lost and the next segment not: then what was not flushed may be missing before a segment's first
// batch, as in Kafka, which takes holes between segments for compaction's.
bool is_stretch_of(const std::vector<StoredBatch>& found, const History& told, int64_t holes_from) {
  if (found.empty()) return true;
  auto at = std::find_if(told.begin(), told.end(), [&](const Remembered& r) { return r.base_offset == found[0].base_offset; });
  for (const StoredBatch& batch : found) {
    if (batch.base_offset == batch.segment) {
      while (at != told.end() && at->base_offset < batch.base_offset && at->base_offset >= holes_from) ++at;
    }
    if (at == told.end() || at->bytes != batch.bytes) return false;
    ++at;
  }
  return true;
}

std::string describe(const std::vector<StoredBatch>& found) {
  std::string text;
  for (const StoredBatch& batch : found) text += " " + std::to_string(batch.base_offset);
  return text;
}

// Opens what is left and judges it. Empty when all is well.
std::string judge(MemoryFileSystem& files, LogDriver& driver, const Knowledge& knows, bool torn) {
  driver.kill();
  driver.request().recovery_point = knows.recovery_checkpoint;
  driver.request().start_offset = knows.start_checkpoint;
  driver.request().clean_shutdown = knows.clean;
  Result<OpenReport> opened = driver.try_open();
  if (!opened.ok()) return "does not open: " + opened.status().to_string();
  const std::vector<StoredBatch> found = driver.read_all();
  const int64_t holes_from = torn ? knows.flushed : INT64_MAX;
  const bool a_prefix = is_stretch_of(found, with(knows.history, knows.in_flight), holes_from) ||
                        (knows.before_truncation && is_stretch_of(found, *knows.before_truncation, holes_from));
  if (!a_prefix) return "is not what was appended:" + describe(found);
  if (opened->end_offset < knows.flushed) {
    return "lost flushed records: ends at " + std::to_string(opened->end_offset) + ", flushed " + std::to_string(knows.flushed);
  }
  if (driver.log().start_offset() > std::max<int64_t>(knows.start_checkpoint, 0)) return "lost its beginning";
  if (const std::string wrong = check_indexes(files, kDirectory, kIndexInterval, false); !wrong.empty()) return wrong;

  const auto fate = driver.append(simple_batch(2, 50));
  if (fate.done.code != Code::kOk || fate.done.base_offset != opened->end_offset) return "cannot be appended to";
  const std::vector<StoredBatch> before = driver.read_all();
  Result<int64_t> closed = driver.close(true);
  if (!closed.ok()) return "does not close: " + closed.status().to_string();
  if (const std::string wrong = check_indexes(files, kDirectory, kIndexInterval, true); !wrong.empty()) return "closed, " + wrong;
  driver.kill();
  driver.request().clean_shutdown = true;
  driver.request().recovery_point = *closed;
  if (!driver.try_open().ok()) return "does not open a second time";
  if (driver.read_all().size() != before.size()) return "differs after a clean restart";
  return "";
}

struct Trial {
  Fault fault;
  Unsynced unsynced = Unsynced::kKept;
  uint64_t seed = 0;
  std::string name;
};

// Runs one life with a fault, then judges what is left.
std::string try_life(const Trial& trial, bool flush_every_message, uint64_t* calls) {
  MemoryFileSystem files;
  LogDriver driver(files, kDirectory);
  driver.request().options = options_of(flush_every_message);
  static_cast<void>(files.make_directory(kDirectory));
  files.set_fault(trial.fault);
  Knowledge knows;
  std::string last_call;
  {
    Life life(driver, knows);
    life.live();
    *calls = files.calls();
    const auto trace = files.trace();
    const size_t at = static_cast<size_t>(trial.fault.at) + 1;
    if (at < trace.size()) last_call = trace[at];
    if (!life.wrong.empty()) return last_call + ": " + life.wrong;
  }
  const bool told = driver.recorder().broken_by().has_value();
  if (trial.fault.kind == Fault::Kind::kNoSpace && told) {
    return last_call + ": a full disk broke the log: " + driver.recorder().broken_by()->to_string();
  }
  files.crash(trial.unsynced, trial.seed);
  const std::string wrong = judge(files, driver, knows, trial.unsynced == Unsynced::kTorn);
  return wrong.empty() ? wrong : last_call + ": " + wrong;
}

void run(const std::vector<Trial>& trials, bool flush_every_message, EnumerationResult* result) {
  for (const Trial& trial : trials) {
    uint64_t calls;
    ++result->lives;
    if (const std::string wrong = try_life(trial, flush_every_message, &calls); !wrong.empty()) {
      result->failures.push_back(trial.name + " at call " + std::to_string(trial.fault.at) + " (" + wrong + ")");
    }
  }
}

uint64_t count_calls(bool flush_every_message, EnumerationResult* result) {
  uint64_t calls = 0;
  const std::string wrong = try_life({{}, Unsynced::kKept, 0, "undisturbed"}, flush_every_message, &calls);
  if (!wrong.empty()) result->failures.push_back("undisturbed: " + wrong);
  result->calls = calls;
  return calls;
}

}  // namespace

EnumerationResult enumerate_crashes(bool flush_every_message, uint64_t torn_seeds, uint64_t every) {
  EnumerationResult result;
  const uint64_t calls = count_calls(flush_every_message, &result);
  std::vector<Trial> trials;
  for (uint64_t at = 0; at < calls; at += every) {
    const Fault fault{Fault::Kind::kCrashAfter, at, false, false};
    trials.push_back({fault, Unsynced::kDropped, 0, "crash, unsynced dropped,"});
    trials.push_back({fault, Unsynced::kKept, 0, "crash, unsynced kept,"});
    for (uint64_t seed = 1; seed <= torn_seeds; ++seed) {
      trials.push_back({fault, Unsynced::kTorn, seed * 1'000'003 + at, "crash, torn with seed " + std::to_string(seed) + ","});
    }
  }
  run(trials, flush_every_message, &result);
  return result;
}

EnumerationResult enumerate_faults(uint64_t every) {
  EnumerationResult result;
  const uint64_t calls = count_calls(false, &result);
  std::vector<Trial> trials;
  for (uint64_t at = 0; at < calls; at += every) {
    for (const bool sticky : {false, true}) {
      for (const bool partial : {false, true}) {
        const std::string how = std::string(sticky ? " from" : " once") + (partial ? ", half written," : "");
        trials.push_back({{Fault::Kind::kNoSpace, at, sticky, partial}, Unsynced::kKept, 0, "ENOSPC" + how});
        trials.push_back({{Fault::Kind::kIoError, at, sticky, partial}, Unsynced::kKept, 0, "EIO" + how});
      }
    }
  }
  run(trials, false, &result);
  return result;
}

}  // namespace odradek::test

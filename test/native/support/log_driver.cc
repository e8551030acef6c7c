#include "support/log_driver.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/byte_order.h"
#include "log/batch.h"
#include "log/segment.h"

namespace odradek::test {

// --- Recorder --------------------------------------------------------------------------------------------------------

void Recorder::completed(Log&, std::span<const AppendDone> done) {
  const std::lock_guard lock(mutex_);
  for (const AppendDone& one : done) {
    Fate fate{one, one.failure != nullptr ? *one.failure : AppendFailure{}};
    fate.done.failure = nullptr;
    fates_.push_back(std::move(fate));
  }
  rounds_.push_back(done.size());
  changed_.notify_all();
}

void Recorder::rolled(Log&, int64_t base_offset) {
  const std::lock_guard lock(mutex_);
  rolls_.push_back(base_offset);
}

void Recorder::flushed(Log&, int64_t offset) {
  const std::lock_guard lock(mutex_);
  flushes_.push_back(offset);
}

void Recorder::broken(Log&, const Status& why) {
  const std::lock_guard lock(mutex_);
  INVARIANT(!broken_);
  broken_ = why;
}

Recorder::Fate Recorder::wait_for(uint64_t cookie) {
  std::unique_lock lock(mutex_);
  const Fate* found = nullptr;
  changed_.wait(lock, [&] {
    for (auto fate = fates_.rbegin(); fate != fates_.rend() && found == nullptr; ++fate) {
      if (fate->done.cookie == cookie) found = &*fate;
    }
    return found != nullptr;
  });
  return *found;
}

std::vector<Recorder::Fate> Recorder::fates() const {
  const std::lock_guard lock(mutex_);
  return fates_;
}
std::vector<size_t> Recorder::rounds() const {
  const std::lock_guard lock(mutex_);
  return rounds_;
}
std::vector<int64_t> Recorder::rolls() const {
  const std::lock_guard lock(mutex_);
  return rolls_;
}
std::vector<int64_t> Recorder::flushes() const {
  const std::lock_guard lock(mutex_);
  return flushes_;
}
std::optional<Status> Recorder::broken_by() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

// --- LogDriver -------------------------------------------------------------------------------------------------------

LogDriver::LogDriver(FileSystem& files, std::string directory, uint32_t threads)
    : files_(files), threads_({threads, "test-log"}) {
  request_.files = &files_;
  request_.threads = &threads_;
  request_.listener = recorder_.get();
  request_.clock = &clock_;
  request_.directory = std::move(directory);
}

LogDriver::~LogDriver() { threads_.close(); }

OpenReport LogDriver::open() {
  Result<OpenReport> report = try_open();
  if (!report.ok()) std::fprintf(stderr, "%s\n", report.status().to_string().c_str());
  INVARIANT(report.ok());
  return *report;
}

Result<OpenReport> LogDriver::try_open() {
  Result<Log::Opened> opened = Log::open(request_);
  if (!opened.ok()) return opened.status();
  log_ = opened->log;
  return opened->report;
}

void LogDriver::kill() {
  log_.reset();
  recorder_ = std::make_unique<Recorder>();
  request_.listener = recorder_.get();
}

template <typename Answer, typename Ask>
Answer LogDriver::wait(Ask ask) {
  std::promise<Answer> promise;
  std::future<Answer> future = promise.get_future();
  ask([&promise](auto answer) { promise.set_value(std::move(answer)); });
  return future.get();
}

Result<int64_t> LogDriver::close(bool flush) {
  return wait<Result<int64_t>>([&](auto done) { log_->close(flush, done); });
}

uint64_t LogDriver::enqueue(Bytes bytes, uint32_t flags, uint32_t generation) {
  memory_.push_back(std::move(bytes));
  AppendJob job;
  job.bytes = memory_.back().data();
  job.length = static_cast<uint32_t>(memory_.back().size());
  job.flags = flags;
  job.leader_epoch = leader_epoch;
  job.generation = generation;
  job.now_ms = clock_.wall_ms();
  job.cookie = next_cookie_++;
  log_->append(job);
  return job.cookie;
}

void LogDriver::hold() {
  released_ = {};
  std::promise<void> holding;
  threads_.submit([&holding, until = released_.get_future().share()] {
    holding.set_value();
    until.wait();
  });
  holding.get_future().wait();
}

void LogDriver::release() {
  threads_.kick();
  released_.set_value();
}

Recorder::Fate LogDriver::append_bytes(Bytes bytes, uint32_t flags, uint32_t generation) {
  const uint64_t cookie = enqueue(std::move(bytes), flags, generation);
  threads_.kick();
  Recorder::Fate fate = recorder_->wait_for(cookie);
  memory_.clear();
  return fate;
}

Recorder::Fate LogDriver::append(const TestBatch& batch, uint32_t flags) { return append_bytes(encode(batch), flags); }

Result<int64_t> LogDriver::begin_epoch(int32_t epoch) {
  return wait<Result<int64_t>>([&](auto done) { log_->begin_epoch(epoch, done); });
}
Status LogDriver::truncate_to(int64_t offset) {
  return wait<Status>([&](auto done) { log_->truncate_to(offset, done); });
}
Status LogDriver::start_anew_at(int64_t offset) {
  return wait<Status>([&](auto done) { log_->truncate_fully_and_start_at(offset, done); });
}
Result<int64_t> LogDriver::roll() {
  return wait<Result<int64_t>>([&](auto done) { log_->roll(done); });
}
Result<int64_t> LogDriver::flush() {
  return wait<Result<int64_t>>([&](auto done) { log_->flush(done); });
}
Result<int64_t> LogDriver::flush_rolled() {
  return wait<Result<int64_t>>([&](auto done) { log_->flush_rolled(done); });
}
Result<int64_t> LogDriver::delete_segments_below(int64_t offset) {
  return wait<Result<int64_t>>([&](auto done) { log_->delete_segments_below(offset, done); });
}
Status LogDriver::set_start_offset(int64_t offset) {
  return wait<Status>([&](auto done) { log_->set_start_offset(offset, done); });
}
Status LogDriver::purge_deleted(int64_t before_ms) {
  return wait<Status>([&](auto done) { log_->purge_deleted(before_ms, done); });
}
Result<Slice> LogDriver::locate(int64_t from, int64_t max, uint32_t max_bytes, bool at_least_one) {
  return wait<Result<Slice>>([&](auto done) { log_->locate(from, max, max_bytes, at_least_one, done); });
}
Result<TimestampAnswer> LogDriver::find_by_timestamp(int64_t timestamp, int64_t from) {
  return wait<Result<TimestampAnswer>>([&](auto done) { log_->find_by_timestamp(timestamp, from, done); });
}
Result<TimestampAnswer> LogDriver::max_timestamp() {
  return wait<Result<TimestampAnswer>>([&](auto done) { log_->max_timestamp(done); });
}
Result<ScanAnswer> LogDriver::scan(int64_t from, uint32_t max_batches) {
  return wait<Result<ScanAnswer>>([&](auto done) { log_->scan(from, max_batches, done); });
}
Result<LogOutline> LogDriver::outline() {
  return wait<Result<LogOutline>>([&](auto done) { log_->outline(done); });
}

Result<std::vector<SegmentFacts>> LogDriver::segments() {
  return wait<Result<std::vector<SegmentFacts>>>([&](auto done) { log_->segments(done); });
}

std::vector<StoredBatch> LogDriver::read_all(int64_t from) {
  std::vector<StoredBatch> found;
  int64_t offset = from < 0 ? log_->start_offset() : from;
  while (offset < log_->end_offset()) {
    Result<Slice> slice = locate(offset, INT64_MAX, 1 << 20, true);
    INVARIANT(slice.ok());
    if (slice->length == 0) break;
    Bytes bytes(slice->length);
    Result<size_t> got = slice->file->read_at(slice->position, bytes);
    INVARIANT(got.ok() && *got == bytes.size());
    size_t at = 0;
    while (bytes.size() - at >= kBatchHeaderSize) {
      const BatchHeader header(bytes.data() + at);
      const auto size = static_cast<size_t>(header.size());
      if (size > bytes.size() - at) break;
      INVARIANT(crc_matches({bytes.data() + at, size}));
      const auto begin = bytes.begin() + static_cast<ptrdiff_t>(at);
      found.push_back({header.base_offset(), header.last_offset(), header.max_timestamp(), slice->position + at,
                       slice->segment_base, Bytes(begin, begin + static_cast<ptrdiff_t>(size))});
      offset = header.last_offset() + 1;
      at += size;
    }
    INVARIANT(at > 0);
  }
  return found;
}

// --- Indexes ---------------------------------------------------------------------------------------------------------

namespace {

Bytes contents_of(FileSystem& files, const std::string& path) {
  Result<std::shared_ptr<File>> file = files.open(path, OpenMode::kRead);
  if (!file.ok()) return {};
  Bytes bytes(*(*file)->size());
  INVARIANT(*(*file)->read_at(0, bytes) == bytes.size());
  return bytes;
}

struct Expected {
  std::vector<std::pair<int64_t, int64_t>> index;       // offset, position
  std::vector<std::pair<int64_t, int64_t>> time_index;  // timestamp, offset: what must be there
  std::set<std::pair<int64_t, int64_t>> maxima;         // what may be there: a stop wrote the largest one known by then
};

// The indexes as Kafka's LogSegment would have written them, append by append.
Expected expected_indexes(const Bytes& log, int64_t base_offset, uint32_t interval, bool closed, std::string* wrong) {
  Expected expected;
  uint64_t since = 0;
  std::pair<int64_t, int64_t> largest{-1, base_offset};
  const auto add_time = [&] {
    const int64_t last = expected.time_index.empty() ? -1 : expected.time_index.back().first;
    if (largest.first > last) expected.time_index.push_back(largest);
  };
  size_t at = 0;
  while (log.size() - at >= kBatchHeaderSize) {
    const BatchHeader header(log.data() + at);
    const auto size = static_cast<size_t>(header.size());
    if (header.magic() != 2 || size > log.size() - at || !crc_matches({log.data() + at, size})) break;
    if (header.max_timestamp() > largest.first) {
      largest = {header.max_timestamp(), header.last_offset()};
      expected.maxima.insert(largest);
    }
    if (since > interval) {
      expected.index.emplace_back(header.last_offset(), static_cast<int64_t>(at));
      add_time();
      since = 0;
    }
    since += size;
    at += size;
  }
  if (at != log.size()) *wrong += segment_name(base_offset) + ": bytes that are no batch at " + std::to_string(at) + "; ";
  if (closed) add_time();
  return expected;
}

std::vector<std::pair<int64_t, int64_t>> offset_entries(const Bytes& bytes, int64_t base, size_t least, bool trimmed) {
  std::vector<std::pair<int64_t, int64_t>> entries;
  for (size_t at = 0; at + 8 <= bytes.size() && (trimmed || entries.size() < least); at += 8) {
    entries.emplace_back(base + load_i32(bytes.data() + at), load_i32(bytes.data() + at + 4));
  }
  return entries;
}

std::vector<std::pair<int64_t, int64_t>> time_entries(const Bytes& bytes, int64_t base, bool trimmed) {
  std::vector<std::pair<int64_t, int64_t>> entries;
  for (size_t at = 0; at + 12 <= bytes.size(); at += 12) {
    const std::pair<int64_t, int64_t> entry{load_i64(bytes.data() + at), base + load_i32(bytes.data() + at + 8)};
    if (!trimmed && !entries.empty() && entry.first <= entries.back().first) break;  // not yet written
    if (!trimmed && entry.first == 0) break;
    entries.push_back(entry);
  }
  return entries;
}

std::string check_times(const std::vector<std::pair<int64_t, int64_t>>& found, const Expected& expected, bool trimmed) {
  for (size_t i = 0; i < found.size(); ++i) {
    if (i > 0 && (found[i].first <= found[i - 1].first || found[i].second < found[i - 1].second)) return "entries do not rise; ";
    // Of an open one, what lies past the entries in use may be left from a truncation.
    if (trimmed && !expected.maxima.contains(found[i])) return "an entry that never was the largest; ";
  }
  for (const auto& entry : expected.time_index) {
    if (std::find(found.begin(), found.end(), entry) == found.end()) return "an entry is missing; ";
  }
  return "";
}

}  // namespace

std::string check_indexes(FileSystem& files, const std::string& directory, uint32_t index_interval_bytes, bool trimmed) {
  std::string wrong;
  Result<std::vector<std::string>> names = files.list(directory);
  INVARIANT(names.ok());
  std::sort(names->begin(), names->end());
  std::vector<std::string> stems;
  for (const std::string& name : *names) {
    if (name.ends_with(".log")) stems.push_back(name.substr(0, name.size() - 4));
  }
  for (const std::string& stem : stems) {
    const bool closed = trimmed || stem != stems.back();
    const Bytes log = contents_of(files, directory + "/" + stem + ".log");
    const int64_t base = std::stoll(stem);
    const Expected expected = expected_indexes(log, base, index_interval_bytes, closed, &wrong);
    const Bytes index = contents_of(files, directory + "/" + stem + ".index");
    const Bytes time_index = contents_of(files, directory + "/" + stem + ".timeindex");
    if (index.size() % 8 != 0 || offset_entries(index, base, expected.index.size(), closed) != expected.index) {
      wrong += stem + ".index: other entries; ";
    }
    const std::string times = check_times(time_entries(time_index, base, closed), expected, closed);
    if (time_index.size() % 12 != 0 || !times.empty()) wrong += stem + ".timeindex: " + times;
  }
  return wrong;
}

}  // namespace odradek::test

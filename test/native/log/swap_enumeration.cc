#include "log/swap_enumeration.h"

#include <algorithm>
#include <utility>

#include "log/segment.h"
#include "support/log_driver.h"
#include "support/memory_files.h"

namespace odradek::test {

namespace {

constexpr const char* kDirectory = "/orders-0";
constexpr const char* kScratch = "/scratch-0";
constexpr uint32_t kIndexInterval = 250;
constexpr const char* kSuffixes[] = {".log", ".index", ".timeindex"};

using Batches = std::vector<StoredBatch>;

// A segment as a cleaner writes it.
struct Written {
  int64_t base_offset;
  std::vector<Bytes> files;  // as kSuffixes
};

// Renames and removals of the broker that died, in their order. An empty `to` removes.
struct Step {
  std::string from;
  std::string to;
};

struct Story {
  std::string name;
  std::vector<std::pair<std::string, Bytes>> before;  // files, by path
  Batches old_batches;
  Batches new_batches;
  std::vector<Step> steps;
  size_t decided;  // after so many steps there is no way back
};

std::string path_of(int64_t base_offset, const char* suffix) {
  return std::string(kDirectory) + "/" + segment_name(base_offset) + suffix;
}

void configure(LogDriver& driver) {
  driver.request().options.segment_bytes = 1'200;
  driver.request().options.index_interval_bytes = kIndexInterval;
  driver.request().options.index_max_bytes = 16 * 1024;
}

// Indexes are made by the loader itself, in a directory of its own.
Written write_segment(int64_t base_offset, const Batches& batches) {
  MemoryFileSystem files;
  static_cast<void>(files.make_directory(kScratch));
  Bytes log;
  for (const StoredBatch& batch : batches) log.insert(log.end(), batch.bytes.begin(), batch.bytes.end());
  const std::string stem = std::string(kScratch) + "/" + segment_name(base_offset);
  files.put(stem + ".log", log);
  LogDriver driver(files, kScratch);
  configure(driver);
  driver.request().options.segment_bytes = 1 << 20;
  driver.open();
  static_cast<void>(driver.close(true));
  driver.kill();
  Written written{base_offset, {}};
  for (const char* suffix : kSuffixes) written.files.push_back(files.contents(stem + suffix));
  return written;
}

// As LocalLog.replaceSegments does it, from the moment the new segments are written and synced.
Story tell(std::string name, const MemoryFileSystem& files, Batches old_batches, const std::vector<int64_t>& replaced,
           const std::vector<std::pair<int64_t, Batches>>& replacements) {
  Story story{std::move(name), {}, std::move(old_batches), {}, {}, 0};
  for (const std::string& file : files.names(kDirectory)) {
    const std::string path = std::string(kDirectory) + "/" + file;
    story.before.emplace_back(path, files.contents(path));
  }
  for (const auto& [base, batches] : replacements) {
    const Written written = write_segment(base, batches);
    for (size_t i = 0; i < std::size(kSuffixes); ++i) {
      story.before.emplace_back(path_of(base, kSuffixes[i]) + ".cleaned", written.files[i]);
    }
  }
  const auto rename_all = [&story](int64_t base, const std::string& from, const std::string& to) {
    for (const char* suffix : kSuffixes) story.steps.push_back({path_of(base, suffix) + from, path_of(base, suffix) + to});
  };
  for (auto each = replacements.rbegin(); each != replacements.rend(); ++each) rename_all(each->first, ".cleaned", ".swap");
  story.decided = story.steps.size();
  for (const int64_t base : replaced) rename_all(base, "", ".deleted");
  for (const auto& [base, batches] : replacements) rename_all(base, ".swap", "");
  for (const int64_t base : replaced) {
    for (const char* suffix : kSuffixes) story.steps.push_back({path_of(base, suffix) + ".deleted", ""});
  }
  const auto of_replaced = [&replaced](const StoredBatch& batch) {
    return std::find(replaced.begin(), replaced.end(), batch.segment) != replaced.end();
  };
  for (const StoredBatch& batch : story.old_batches) {
    const bool first_replaced = of_replaced(batch) && batch.base_offset == replaced.front();
    if (first_replaced) {
      for (const auto& [base, batches] : replacements) story.new_batches.insert(story.new_batches.end(), batches.begin(), batches.end());
    }
    if (!of_replaced(batch)) story.new_batches.push_back(batch);
  }
  return story;
}

std::vector<Story> stories() {
  MemoryFileSystem files;
  static_cast<void>(files.make_directory(kDirectory));
  LogDriver driver(files, kDirectory);
  configure(driver);
  driver.open();
  for (int i = 0; i < 32; ++i) static_cast<void>(driver.append(simple_batch(1 + i % 3, 40 + i * 7 % 60, 1'000 + i)));
  const Batches all = driver.read_all();
  static_cast<void>(driver.close(true));
  std::vector<int64_t> bases;
  for (const StoredBatch& batch : all) {
    if (bases.empty() || bases.back() != batch.segment) bases.push_back(batch.segment);
  }
  const std::vector<int64_t> merged(bases.begin() + 1, bases.begin() + 4);
  Batches kept;  // every third batch, and not the last: then the new segment ends before the next one begins
  Batches halves[2];
  for (size_t i = 0; i < all.size(); ++i) {
    const StoredBatch& batch = all[i];
    const bool compacted = batch.segment >= merged.front() && batch.segment <= merged.back();
    if (compacted && i % 3 == 0 && batch.last_offset + 1 != bases[4]) kept.push_back(batch);
    if (batch.segment == bases[2]) halves[halves[0].size() < 4 ? 0 : 1].push_back(batch);
  }
  std::vector<Story> told;
  told.push_back(tell("three segments into one", files, all, merged, {{merged.front(), kept}}));
  told.push_back(tell("one segment into two", files, all, {bases[2]}, {{bases[2], halves[0]}, {halves[1].front().base_offset, halves[1]}}));
  return told;
}

bool same(const Batches& found, const Batches& told) {
  return found.size() == told.size() &&
         std::equal(found.begin(), found.end(), told.begin(), [](const StoredBatch& a, const StoredBatch& b) { return a.bytes == b.bytes; });
}

void set_the_stage(MemoryFileSystem& files, const Story& story, size_t steps) {
  static_cast<void>(files.make_directory(kDirectory));
  for (const auto& [path, bytes] : story.before) files.put(path, bytes);
  for (size_t i = 0; i < steps; ++i) {
    const Step& step = story.steps[i];
    static_cast<void>(step.to.empty() ? files.remove(step.from) : files.rename(step.from, step.to));
  }
  static_cast<void>(files.sync_directory(kDirectory));
  files.crash(Unsynced::kKept, 0);
}

// Opens what is left and judges it. Empty when all is well.
std::string judge(MemoryFileSystem& files, const Story& story, size_t steps, bool clean, bool* is_new) {
  LogDriver driver(files, kDirectory);
  configure(driver);
  driver.request().clean_shutdown = clean;
  driver.request().recovery_point = story.old_batches.back().last_offset + 1;
  Result<OpenReport> opened = driver.try_open();
  if (!opened.ok()) return "does not open: " + opened.status().to_string();
  const Batches found = driver.read_all();
  *is_new = same(found, story.new_batches);
  if (!*is_new && !same(found, story.old_batches)) return "is neither the old log nor the new";
  if (!*is_new && steps >= story.decided) return "is the old log again";
  if (*is_new && steps == 0 && !same(story.old_batches, story.new_batches)) return "is the new log already";
  for (const std::string& name : files.names(kDirectory)) {
    if (name.ends_with(".swap") || name.ends_with(".cleaned") || name.ends_with(".deleted")) return name + " is left";
  }
  if (const std::string wrong = check_indexes(files, kDirectory, kIndexInterval, false); !wrong.empty()) return wrong;
  if (driver.append(simple_batch(1)).done.base_offset != story.old_batches.back().last_offset + 1) return "cannot be appended to";
  return "";
}

void try_all(const Story& story, size_t steps, bool clean, uint64_t torn_seeds, uint64_t every, EnumerationResult* result) {
  const std::string where = story.name + ", stopped after " + std::to_string(steps) + " renames";
  uint64_t calls;
  bool undisturbed_is_new;
  {
    MemoryFileSystem files;
    set_the_stage(files, story, steps);
    ++result->lives;
    LogDriver driver(files, kDirectory);
    configure(driver);
    driver.request().clean_shutdown = clean;
    driver.request().recovery_point = story.old_batches.back().last_offset + 1;
    static_cast<void>(driver.try_open());
    calls = files.calls();
    result->calls += calls;
    driver.kill();
    files.crash(Unsynced::kKept, 0);
    if (const std::string wrong = judge(files, story, steps, clean, &undisturbed_is_new); !wrong.empty()) {
      result->failures.push_back(where + ": " + wrong);
      return;
    }
  }
  for (uint64_t at = 0; at < calls; at += every) {
    // 0 and 1: unsynced data is dropped or kept; 2: the call fails, and the process goes on; then torn.
    const uint64_t last = clean ? 1 : torn_seeds + 3;  // what a clean start does is what the other does, and less
    for (uint64_t seed = 0; seed < last; ++seed) {
      const Unsynced unsynced = seed == 0 ? Unsynced::kDropped : seed < 3 ? Unsynced::kKept : Unsynced::kTorn;
      MemoryFileSystem files;
      set_the_stage(files, story, steps);
      files.set_fault({seed == 2 ? Fault::Kind::kIoError : Fault::Kind::kCrashAfter, at, false, false});
      {
        LogDriver driver(files, kDirectory);
        configure(driver);
        driver.request().clean_shutdown = clean;
        driver.request().recovery_point = story.old_batches.back().last_offset + 1;
        static_cast<void>(driver.try_open());
        driver.kill();
      }
      files.crash(unsynced, seed * 1'000'003 + at);
      ++result->lives;
      bool is_new;
      std::string wrong = judge(files, story, steps, false, &is_new);
      if (wrong.empty() && is_new != undisturbed_is_new) wrong = "a second start decides otherwise";
      if (!wrong.empty()) result->failures.push_back(where + ", our start after call " + std::to_string(at) + " with " + std::to_string(seed) + ": " + wrong);
    }
  }
}

}  // namespace

EnumerationResult enumerate_swaps(uint64_t torn_seeds, uint64_t every) {
  EnumerationResult result;
  for (const Story& story : stories()) {
    for (size_t steps = 0; steps <= story.steps.size(); ++steps) {
      for (const bool clean : {false, true}) try_all(story, steps, clean, torn_seeds, every, &result);
    }
  }
  return result;
}

}  // namespace odradek::test

#include "log/interrupted_swap.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "log/batch_cursor.h"
#include "log/segment.h"

namespace odradek {

namespace {

constexpr std::string_view kSwap = ".swap";
constexpr std::string_view kCleaned = ".cleaned";
constexpr std::string_view kDeleted = ".deleted";

struct Named {
  std::string name;
  int64_t base_offset;
  std::string_view suffix;  // ".log", ".index.swap" and the like; in a literal or the caller's names
};

struct Range {
  int64_t from;
  int64_t below;
};

class Swap {
 public:
  Swap(FileSystem& files, const std::string& directory) : files_(files), directory_(directory) {}

  Result<bool> settle(const std::vector<std::string>& names);

 private:
  void sort_out(const std::vector<std::string>& names);
  Status undo();
  Status remove_covered();
  Status complete();
  Result<Range> covered_by(const Named& log);
  Status remove(const std::string& name);
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  FileSystem& files_;
  const std::string& directory_;
  std::vector<std::string> garbage_;
  std::vector<Named> swaps_;
  std::vector<Named> plain_;
  int64_t least_cleaned_ = std::numeric_limits<int64_t>::max();
  bool changed_ = false;
};

Status Swap::remove(const std::string& name) {
  changed_ = true;
  const Status removed = files_.remove(path_of(name));
  return removed.code() == Code::kNotFound ? Status::success() : removed;
}

void Swap::sort_out(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Named named{name, 0, {}};
    const bool of_a_segment = parse_segment_name(name, &named.base_offset, &named.suffix);
    if (name.ends_with(kDeleted) || name.ends_with(kCleaned)) {
      garbage_.push_back(name);
      if (of_a_segment && name.ends_with(kCleaned)) least_cleaned_ = std::min(least_cleaned_, named.base_offset);
    } else if (of_a_segment) {
      (name.ends_with(kSwap) ? swaps_ : plain_).push_back(std::move(named));
    }
  }
}

// Segments are renamed .swap from the last to the first. Where one is still .cleaned, those at and after it are part of a
// whole that was not complete yet: what they stand for is still there (KAFKA-6264).
Status Swap::undo() {
  const auto unfinished = [this](const Named& swap) { return swap.base_offset >= least_cleaned_; };
  for (const Named& swap : swaps_) {
    if (!unfinished(swap)) continue;
    if (Status removed = remove(swap.name); !removed.ok()) return removed;
  }
  const bool any = std::erase_if(swaps_, unfinished) > 0;
  // The .cleaned ones tell that these were to go: they must not be gone before.
  if (any) {
    if (Status synced = files_.sync_directory(directory_); !synced.ok()) return synced;
  }
  for (const std::string& name : garbage_) {
    if (Status removed = remove(name); !removed.ok()) return removed;
  }
  return Status::success();
}

Result<Range> Swap::covered_by(const Named& log) {
  Result<std::shared_ptr<File>> file = files_.open(path_of(log.name), OpenMode::kRead);
  if (!file.ok()) return file.status();
  Result<uint64_t> size = (*file)->size();
  if (!size.ok()) return size.status();
  Range range{log.base_offset, log.base_offset};
  BatchCursor cursor(**file, 0, *size);
  while (const BatchHeader* header = cursor.next()) range.below = header->last_offset() + 1;
  if (!cursor.status().ok()) return cursor.status();
  // It was synced before it got its name. What it stands for is not given up for a file that cannot be read to its end.
  if (!cursor.at_limit()) return Status(Code::kCorruptFile, 0, path_of(log.name) + ", of an interrupted compaction, does not end with a whole batch");
  return range;
}

// The segments that were compacted away, or split, and not yet renamed .deleted. (Kafka takes all between the first and the
// last .swap; there is never more than one compaction's worth of them, so that this is the same where nothing else went
// wrong.) Producer snapshots stay: they say what was true at their offset, whatever records went since.
Status Swap::remove_covered() {
  for (const Named& swap : swaps_) {
    if (swap.suffix != ".log.swap") continue;
    Result<Range> range = covered_by(swap);
    if (!range.ok()) return range.status();
    for (const Named& old : plain_) {
      const bool of_the_segment = old.suffix == ".log" || old.suffix == ".index" || old.suffix == ".timeindex" || old.suffix == ".txnindex";
      // An empty one stands for the segment of its own name.
      const bool covered = old.base_offset >= range->from && (old.base_offset < range->below || old.base_offset == range->from);
      if (!of_the_segment || !covered) continue;
      if (Status removed = remove(old.name); !removed.ok()) return removed;
    }
  }
  return Status::success();
}

// The records first: indexes without a log would be swept away, a log without indexes gets new ones.
Status Swap::complete() {
  if (swaps_.empty()) return Status::success();
  // What is replaced must be gone for good before what replaces it looks like any other segment.
  if (Status synced = files_.sync_directory(directory_); !synced.ok()) return synced;
  for (const bool logs : {true, false}) {
    for (const Named& swap : swaps_) {
      if ((swap.suffix == ".log.swap") != logs) continue;
      changed_ = true;
      const std::string from = path_of(swap.name);
      if (Status renamed = files_.rename(from, from.substr(0, from.size() - kSwap.size())); !renamed.ok()) return renamed;
    }
  }
  return files_.sync_directory(directory_);
}

Result<bool> Swap::settle(const std::vector<std::string>& names) {
  sort_out(names);
  if (Status undone = undo(); !undone.ok()) return undone;
  if (Status removed = remove_covered(); !removed.ok()) return removed;
  if (Status completed = complete(); !completed.ok()) return completed;
  return changed_;
}

}  // namespace

Result<bool> settle_interrupted_swap(FileSystem& files, const std::string& directory, const std::vector<std::string>& names) {
  return Swap(files, directory).settle(names);
}

}  // namespace odradek

#include "log/log_loader.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "log/batch_cursor.h"
#include "log/interrupted_swap.h"
#include "log/segment_recovery.h"

namespace odradek {

namespace {

class Loader {
 public:
  Loader(const OpenRequest& request, const MakeSegment& make_segment)
      : request_(request), files_(*request.files), make_segment_(make_segment) {}

  Status load();
  LoadedLog take() { return std::move(loaded_); }

 private:
  struct Names {
    bool log = false;
    bool index = false;
    bool time_index = false;
  };

  Status find_files();
  Status adopt_segments();
  Status recover_from(size_t first);
  Status recover(Segment& segment, int64_t at_least, bool last, Rescan* rescan);
  Status rebuild_trusted(Segment& segment);
  Status check_trusted(size_t count);
  Status find_end();
  Status drop_all_and_start_at(int64_t offset);
  Status create_first(int64_t base_offset);
  Status finish();
  std::string path_of(const std::string& name) const { return request_.directory + "/" + name; }
  bool has_indexes(int64_t base_offset) const {
    const Names& names = names_.at(base_offset);
    return names.index && names.time_index;
  }

  const OpenRequest& request_;
  FileSystem& files_;
  const MakeSegment& make_segment_;
  std::map<int64_t, Names> names_;
  LoadedLog loaded_;
  bool end_known_ = false;
};

Status Loader::find_files() {
  Result<std::vector<std::string>> names = files_.list(request_.directory);
  if (!names.ok() && names.status().code() == Code::kNotFound) {
    if (Status made = files_.make_directory(request_.directory); !made.ok()) return made;
    loaded_.directory_dirty = true;
    return Status::success();
  }
  if (!names.ok()) return names.status();
  Result<bool> settled = settle_interrupted_swap(files_, request_.directory, *names);
  if (!settled.ok()) return settled.status();
  if (*settled) {
    names = files_.list(request_.directory);
    if (!names.ok()) return names.status();
  }
  for (const std::string& name : *names) {
    int64_t base_offset;
    std::string_view suffix;
    if (!parse_segment_name(name, &base_offset, &suffix)) continue;
    if (suffix == ".log") names_[base_offset].log = true;
    if (suffix == ".index") names_[base_offset].index = true;
    if (suffix == ".timeindex") names_[base_offset].time_index = true;
  }
  // An index without its log is left over from a deletion.
  for (auto entry = names_.begin(); entry != names_.end();) {
    if (entry->second.log) {
      ++entry;
      continue;
    }
    const std::string stem = segment_name(entry->first);
    if (entry->second.index) static_cast<void>(files_.remove(path_of(stem + ".index")));
    if (entry->second.time_index) static_cast<void>(files_.remove(path_of(stem + ".timeindex")));
    entry = names_.erase(entry);
  }
  return Status::success();
}

Status Loader::adopt_segments() {
  for (const auto& [base_offset, names] : names_) {
    std::shared_ptr<Segment> segment = make_segment_(base_offset);
    Result<FileFacts> facts = files_.facts(segment->path(".log"));
    if (!facts.ok()) return facts.status();
    segment->adopt(facts->size, facts->modified_ms);
    loaded_.segments.push_back(std::move(segment));
  }
  return Status::success();
}

// Scans one segment, cuts it at its first bad batch.
Status Loader::recover(Segment& segment, int64_t at_least, bool last, Rescan* rescan) {
  Result<Rescan> scanned = rescan_segment(segment, at_least, request_.options.index_interval_bytes, request_.progress);
  if (!scanned.ok()) return scanned.status();
  *rescan = *scanned;
  OpenReport& report = loaded_.report;
  ++report.segments_recovered;
  report.bytes_scanned += segment.size();
  if (scanned->valid_bytes < segment.size()) {
    report.bytes_truncated += segment.size() - scanned->valid_bytes;
    Result<std::shared_ptr<File>> file = segment.file();
    if (!file.ok()) return file.status();
    if (Status cut = (*file)->truncate(scanned->valid_bytes); !cut.ok()) return cut;
    segment.publish(scanned->valid_bytes, segment.modified_ms());
  }
  return last ? Status::success() : segment.seal();
}

// From the segment that holds the recovery point on, nothing is believed.
Status Loader::recover_from(size_t first) {
  Segments& segments = loaded_.segments;
  int64_t at_least = 0;
  for (size_t i = first; i < segments.size(); ++i) {
    const uint64_t size = segments[i]->size();
    Rescan rescan;
    if (Status recovered = recover(*segments[i], at_least, i + 1 == segments.size(), &rescan); !recovered.ok()) {
      return recovered;
    }
    at_least = rescan.next_offset;
    loaded_.report.end_offset = rescan.next_offset;
    end_known_ = true;
    const bool cut = rescan.valid_bytes < size;
    // A hole before the next segment is no fault. Compaction leaves some, also in a log whose topic is not compacted any more,
    // and so does a roll after a truncation inside a batch; Kafka does not look for them either.
    const bool fits = i + 1 == segments.size() || segments[i + 1]->base_offset() >= rescan.next_offset;
    if (!cut && fits) continue;
    // What follows a bad batch is not this log any more. Newest first, so that a crash in between leaves no hole.
    for (size_t j = segments.size() - 1; j > i; --j) {
      if (Status renamed = segments[j]->rename_deleted(); !renamed.ok()) return renamed;
      loaded_.dropped.push_back(segments[j]);
      ++loaded_.report.segments_dropped;
    }
    segments.resize(i + 1);
    loaded_.directory_dirty = true;
    break;
  }
  return Status::success();
}

// Indexes of a segment whose records are believed: built anew, and no record is touched whatever is found.
Status Loader::rebuild_trusted(Segment& segment) {
  Result<Rescan> scanned = rescan_segment(segment, 0, request_.options.index_interval_bytes, request_.progress);
  if (!scanned.ok()) return scanned.status();
  ++loaded_.report.segments_recovered;
  loaded_.report.bytes_scanned += segment.size();
  return segment.seal();
}

Status Loader::check_trusted(size_t count) {
  Segments& segments = loaded_.segments;
  for (size_t i = 0; i < count; ++i) {
    Segment& segment = *segments[i];
    bool believable = has_indexes(segment.base_offset());
    // After a crash also look into them: the last entry tells whether the file was ever written and trimmed.
    if (believable && !request_.clean_shutdown) {
      Result<const OffsetIndex*> offsets = segment.offset_index();
      if (!offsets.ok()) return offsets.status();
      Result<const TimeIndex*> times = segment.time_index();
      if (!times.ok()) return times.status();
      const int64_t next_base = i + 1 < segments.size() ? segments[i + 1]->base_offset() : INT64_MAX;
      believable = (*offsets)->entries() > 0 || segment.size() <= request_.options.index_interval_bytes;
      believable = believable && (*offsets)->plausible(segment.size(), next_base) && (*times)->plausible(next_base);
    }
    if (believable) continue;
    if (Status rebuilt = rebuild_trusted(segment); !rebuilt.ok()) return rebuilt;
  }
  return Status::success();
}

// After a clean shutdown: the headers after the last index entry tell where the log ends.
Status Loader::find_end() {
  Segment& last = *loaded_.segments.back();
  Result<const OffsetIndex*> index = last.offset_index();
  if (!index.ok()) return index.status();
  Result<std::shared_ptr<File>> file = last.file();
  if (!file.ok()) return file.status();
  int64_t end = last.base_offset();
  BatchCursor cursor(**file, (*index)->last_position(), last.size());
  while (const BatchHeader* header = cursor.next()) end = header->last_offset() + 1;
  if (!cursor.status().ok()) return cursor.status();
  if (cursor.at_limit()) {
    loaded_.report.end_offset = end;
    return Status::success();
  }
  // The marker promised a clean end and there is none.
  return recover_from(loaded_.segments.size() - 1);
}

Status Loader::create_first(int64_t base_offset) {
  std::shared_ptr<Segment> segment = make_segment_(base_offset);
  if (Status made = segment->create(request_.clock->wall_ms()); !made.ok()) {
    for (const char* suffix : {".log", ".index", ".timeindex"}) static_cast<void>(files_.remove(segment->path(suffix)));
    return made;
  }
  loaded_.segments = {std::move(segment)};
  loaded_.directory_dirty = true;
  loaded_.report.end_offset = base_offset;
  return Status::success();
}

Status Loader::drop_all_and_start_at(int64_t offset) {
  Segments& segments = loaded_.segments;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (Status renamed = (*segment)->rename_deleted(); !renamed.ok()) return renamed;
    loaded_.dropped.push_back(*segment);
    ++loaded_.report.segments_dropped;
  }
  return create_first(offset);
}

Status Loader::finish() {
  OpenReport& report = loaded_.report;
  // Records below the start were deleted; if the log does not even reach it, its tail was lost with them.
  if (report.end_offset < request_.start_offset) {
    if (Status started = drop_all_and_start_at(request_.start_offset); !started.ok()) return started;
  }
  if (Status opened = loaded_.segments.back()->open_for_append(request_.clock->wall_ms()); !opened.ok()) return opened;
  report.start_offset = std::max(request_.start_offset, loaded_.segments.front()->base_offset());
  report.recovery_point = request_.clean_shutdown ? report.end_offset : std::clamp<int64_t>(request_.recovery_point, 0, report.end_offset);
  report.segments = static_cast<uint32_t>(loaded_.segments.size());
  return Status::success();
}

Status Loader::load() {
  if (request_.start_offset > kMaxOffset) return Status(Code::kInvalidArgument, 0, "an offset no log can start at");
  if (Status found = find_files(); !found.ok()) return found;
  if (Status adopted = adopt_segments(); !adopted.ok()) return adopted;
  if (loaded_.segments.empty()) {
    if (Status made = create_first(std::max<int64_t>(0, request_.start_offset)); !made.ok()) return made;
    return finish();
  }
  const size_t count = loaded_.segments.size();
  const size_t trusted = request_.clean_shutdown ? count : segment_holding(loaded_.segments, request_.recovery_point);
  if (Status checked = check_trusted(trusted); !checked.ok()) return checked;
  if (trusted < count) {
    if (Status recovered = recover_from(trusted); !recovered.ok()) return recovered;
  }
  if (!end_known_) {
    if (Status found = find_end(); !found.ok()) return found;
  }
  return finish();
}

}  // namespace

Result<LoadedLog> load_log(const OpenRequest& request, const MakeSegment& make_segment) {
  Loader loader(request, make_segment);
  if (Status loaded = loader.load(); !loaded.ok()) return loaded;
  return loader.take();
}

}  // namespace odradek

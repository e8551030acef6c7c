// Reading, over a snapshot of the segments: no lock is held, and nothing here stands before an append.
#include <algorithm>

#include "log/batch_cursor.h"
#include "log/log_core.h"
#include "log/record_search.h"
#include "log/record_walk.h"

namespace odradek {

namespace {

// A segment opened for reading.
struct OpenSegment {
  Segment* segment;
  std::shared_ptr<File> file;
  const OffsetIndex* index;
  uint64_t size;      // the index was read after this, so no entry that matters lies past it
  int64_t next_base;  // INT64_MAX for the active one
};

Result<OpenSegment> open_at(const ReadView& view, size_t at) {
  Segment& segment = *(*view.segments)[at];
  OpenSegment opened;
  opened.segment = &segment;
  opened.size = segment.size();
  opened.next_base = at + 1 < view.segments->size() ? (*view.segments)[at + 1]->base_offset() : INT64_MAX;
  Result<std::shared_ptr<File>> file = segment.file();
  if (!file.ok()) return file.status();
  opened.file = std::move(*file);
  Result<const OffsetIndex*> index = segment.offset_index();
  if (!index.ok()) return index.status();
  opened.index = *index;
  return opened;
}

Status corrupt(const OpenSegment& opened, uint64_t position) {
  return Status(Code::kCorruptFile, 0,
                "no batch at position " + std::to_string(position) + " of " + opened.segment->path(".log"));
}

// The first batch that reaches `offset`: its header, or null when the segment has none.
const BatchHeader* seek(BatchCursor* cursor, int64_t offset) {
  while (const BatchHeader* header = cursor->next()) {
    if (header->last_offset() >= offset) return header;
  }
  return nullptr;
}

// Why a cursor ended before it should have. Success at the end of the segment.
Status ended(const BatchCursor& cursor, const OpenSegment& opened) {
  if (!cursor.status().ok()) return cursor.status();
  return cursor.at_limit() ? Status::success() : corrupt(opened, cursor.at());
}

// Where the first batch at or past `max_offset` begins, as far as that lies below `enough`.
Result<uint64_t> limit_of(const OpenSegment& opened, int64_t max_offset, uint64_t from, uint64_t enough) {
  if (opened.next_base <= max_offset) return opened.size;
  const uint64_t near = std::max<uint64_t>(opened.index->lookup(max_offset), from);
  if (near >= enough) return enough;
  BatchCursor cursor(*opened.file, near, opened.size);
  while (const BatchHeader* header = cursor.next()) {
    if (header->base_offset() >= max_offset || cursor.at() >= enough) return cursor.at();
  }
  if (Status status = ended(cursor, opened); !status.ok()) return status;
  return cursor.end();
}

BatchFacts facts_from(const BatchHeader& header) {
  BatchFacts facts{};
  facts.base_offset = header.base_offset();
  facts.last_offset = header.last_offset();
  facts.max_timestamp = header.max_timestamp();
  facts.producer_id = header.producer_id();
  facts.leader_epoch = header.leader_epoch();
  facts.base_sequence = header.base_sequence();
  facts.record_count = header.record_count();
  facts.producer_epoch = header.producer_epoch();
  facts.attributes = header.attributes();
  facts.control_type = -1;
  facts.coordinator_epoch = -1;
  facts.size = static_cast<uint32_t>(header.size());
  return facts;
}

TimestampAnswer record_answer(int32_t leader_epoch, int64_t offset, int64_t timestamp) {
  return {TimestampAnswer::Kind::kRecord, offset, timestamp, leader_epoch};
}

// Looks for the answer in the batch at the cursor.
Result<TimestampAnswer> look_inside(BatchCursor* cursor, const BatchHeader& header, int64_t timestamp, int64_t from_offset,
                                    uint64_t* budget) {
  const int32_t epoch = header.leader_epoch();
  const auto size = static_cast<size_t>(header.size());
  Result<std::span<const uint8_t>> bytes = cursor->bytes(0, size);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < size) return TimestampAnswer{};  // cut away under the reader
  Result<FoundRecord> found = find_record_in_batch(*bytes, timestamp, from_offset, budget);
  if (!found.ok()) return found.status();
  return found->found ? record_answer(epoch, found->offset, found->timestamp) : TimestampAnswer{};
}

// The key of a control record says what it marks; the value of a transaction marker, who.
//   record: length, attributes, deltas, then key {version int16, type int16} and value {version int16, epoch int32}
Status read_marker(BatchCursor* cursor, BatchFacts* facts) {
  const size_t records = facts->size - kBatchHeaderSize;
  Result<std::span<const uint8_t>> bytes = cursor->bytes(kBatchHeaderSize, std::min<size_t>(records, 64));
  if (!bytes.ok()) return bytes.status();
  const std::optional<ControlRecord> control = read_control_record(*bytes);
  if (!control) return Status::success();
  facts->control_type = control->type;
  facts->coordinator_epoch = control->coordinator_epoch;
  return Status::success();
}

}  // namespace

Result<Slice> locate_in(const ReadView& view, int64_t from_offset, int64_t max_offset, uint32_t max_bytes,
                        bool at_least_one_batch) {
  max_offset = std::min(max_offset, view.end);
  if (from_offset < view.start || from_offset > view.end) return Status(Code::kOffsetOutOfRange);
  for (size_t i = segment_holding(*view.segments, from_offset); i < view.segments->size() && from_offset < max_offset; ++i) {
    Result<OpenSegment> opened = open_at(view, i);
    if (!opened.ok()) return opened.status();
    BatchCursor cursor(*opened->file, opened->index->lookup(from_offset), opened->size);
    const BatchHeader* first = seek(&cursor, from_offset);
    if (first == nullptr) {
      if (Status status = ended(cursor, *opened); !status.ok()) return status;
      continue;  // compaction left nothing of the offsets up to the next segment
    }
    if (first->base_offset() >= max_offset) break;
    Slice slice;
    slice.position = cursor.at();
    slice.first_batch_length = static_cast<uint32_t>(first->size());
    slice.first_offset = first->base_offset();
    slice.segment_base = opened->segment->base_offset();
    uint64_t wanted = max_bytes;
    if (at_least_one_batch) wanted = std::max<uint64_t>(wanted, slice.first_batch_length);
    Result<uint64_t> limit = limit_of(*opened, max_offset, slice.position, slice.position + wanted);
    if (!limit.ok()) return limit.status();
    slice.length = static_cast<uint32_t>(std::min(*limit - slice.position, wanted));
    slice.file = std::move(opened->file);
    return slice;
  }
  return Slice{};
}

// Looks into one segment: the first whose largest timestamp is not too early, or, where its records have none, that was
// written to late enough (LogSegment.largestTimestamp). Where the log's start lies behind what is found there, it is nothing.
Result<TimestampAnswer> find_timestamp_in(const ReadView& view, int64_t timestamp, int64_t from_offset, uint64_t* budget) {
  from_offset = std::max(from_offset, view.start);
  for (size_t i = 0; i < view.segments->size(); ++i) {
    Segment& segment = *(*view.segments)[i];
    Result<TimestampOffset> largest = segment.largest();
    if (!largest.ok()) return largest.status();
    if ((largest->timestamp >= 0 ? largest->timestamp : segment.modified_ms()) < timestamp) continue;
    Result<OpenSegment> opened = open_at(view, i);
    if (!opened.ok()) return opened.status();
    Result<const TimeIndex*> times = segment.time_index();
    if (!times.ok()) return times.status();
    const int64_t near = std::max((*times)->lookup(timestamp).offset, from_offset);
    BatchCursor cursor(*opened->file, opened->index->lookup(near), opened->size);
    while (const BatchHeader* header = cursor.next()) {
      if (header->base_offset() >= view.end) return TimestampAnswer{};
      if (header->max_timestamp() < timestamp || header->last_offset() < from_offset) continue;
      Result<TimestampAnswer> answer = look_inside(&cursor, *header, timestamp, from_offset, budget);
      if (!answer.ok() || answer->kind != TimestampAnswer::Kind::kNone) return answer;
    }
    if (Status status = ended(cursor, *opened); !status.ok()) return status;
    return TimestampAnswer{};
  }
  return TimestampAnswer{};
}

Result<TimestampAnswer> max_timestamp_in(const ReadView& view, uint64_t* budget) {
  size_t best = 0;
  TimestampOffset largest;
  for (size_t i = 0; i < view.segments->size(); ++i) {
    Result<TimestampOffset> of = (*view.segments)[i]->largest();
    if (!of.ok()) return of.status();
    if (of->timestamp > largest.timestamp) {
      largest = *of;
      best = i;
    }
  }
  // Where no record has a timestamp, the first that says so has the largest.
  Result<OpenSegment> opened = open_at(view, best);
  if (!opened.ok()) return opened.status();
  BatchCursor cursor(*opened->file, opened->index->lookup(largest.offset), opened->size);
  while (const BatchHeader* header = seek(&cursor, largest.offset)) {
    if (header->max_timestamp() != largest.timestamp) continue;
    // Producers may count offsets as they like: the record's can lie before the batch's.
    return look_inside(&cursor, *header, largest.timestamp, INT64_MIN, budget);
  }
  if (Status status = ended(cursor, *opened); !status.ok()) return status;
  return TimestampAnswer{};
}

Result<ScanAnswer> scan_in(const ReadView& view, int64_t from_offset, uint32_t max_batches) {
  if (from_offset > view.end) return Status(Code::kOffsetOutOfRange);
  ScanAnswer answer;
  answer.next_offset = from_offset;
  for (size_t i = segment_holding(*view.segments, from_offset); i < view.segments->size(); ++i) {
    Result<OpenSegment> opened = open_at(view, i);
    if (!opened.ok()) return opened.status();
    BatchCursor cursor(*opened->file, opened->index->lookup(from_offset), opened->size);
    while (const BatchHeader* header = cursor.next()) {
      if (header->last_offset() < from_offset) continue;
      if (header->base_offset() >= view.end || answer.batches.size() >= max_batches) return answer;
      BatchFacts facts = facts_from(*header);
      if (header->control()) {
        if (Status read = read_marker(&cursor, &facts); !read.ok()) return read;
      }
      answer.next_offset = facts.last_offset + 1;
      answer.batches.push_back(facts);
    }
    if (Status status = ended(cursor, *opened); !status.ok()) return status;
  }
  answer.next_offset = std::max(answer.next_offset, view.end);
  return answer;
}

Result<LogOutline> outline_of(const ReadView& view) {
  LogOutline outline{{}, view.end};
  for (const auto& segment : *view.segments) {
    outline.segments.push_back({segment->base_offset(), segment->size(), segment->modified_ms()});
  }
  return outline;
}

Result<std::vector<SegmentFacts>> facts_of(const ReadView& view) {
  std::vector<SegmentFacts> facts;
  for (size_t i = 0; i < view.segments->size(); ++i) {
    Segment& segment = *(*view.segments)[i];
    Result<TimestampOffset> largest = segment.largest();
    if (!largest.ok()) return largest.status();
    Result<int64_t> first = segment.first_timestamp();
    if (!first.ok()) return first.status();
    const int64_t end = i + 1 < view.segments->size() ? (*view.segments)[i + 1]->base_offset() : view.end;
    facts.push_back({segment.base_offset(), end, segment.size(), largest->timestamp, *first, segment.modified_ms()});
  }
  return facts;
}

}  // namespace odradek

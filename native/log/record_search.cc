#include "log/record_search.h"

#include "codec/inflater.h"
#include "log/batch.h"
#include "log/look_budget.h"
#include "log/record_stream.h"

namespace odradek {

namespace {

// Wraps as Java does: a hostile delta yields some timestamp, not undefined behaviour.
int64_t add_wrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

}  // namespace

Result<FoundRecord> find_record_in_batch(std::span<const uint8_t> batch, int64_t timestamp, int64_t from_offset, uint64_t* budget) {
  const BatchHeader header(batch.data());
  FoundRecord found;
  RecordStream records(header.record_count());
  const auto look = [&](int32_t, const RecordHead& record) {
    const int64_t offset = add_wrapping(header.base_offset(), record.offset_delta);
    // With log append time all records bear the batch's timestamp.
    const int64_t time = header.log_append_time() ? header.max_timestamp() : add_wrapping(header.base_timestamp(), record.timestamp_delta);
    if (!found.found && time >= timestamp && offset >= from_offset) found = {true, offset, time};
  };
  const std::span<const uint8_t> packed = batch.subspan(batch_at::kRecords);
  if (!header.compressed()) {
    records.feed(packed, look);
    return found;
  }
  const int16_t codec = header.attributes() & batch_attribute::kCodecMask;
  if (codec > batch_attribute::kHighestCodec) return Status(Code::kUnreadable, 0, "unknown compression codec");
  Inflater inflater;
  inflater.begin(static_cast<Codec>(codec), packed);
  for (;;) {
    if (*budget == 0) return Status(Code::kWouldBlock);
    const uint64_t before = inflater.made();
    const Decoded decoded = inflater.fill();
    if (decoded == Decoded::kNoMemory) return Status(Code::kOutOfMemory, 0, "no memory to inflate a batch");
    if (decoded == Decoded::kDamaged) return Status(Code::kUnreadable, 0, "the records of a compressed batch are damaged");
    spend(budget, static_cast<Codec>(codec), inflater.made() - before);
    inflater.consume(records.feed(inflater.plain(), look));
    if (decoded == Decoded::kEnd || found.found || records.all_read() || records.trouble() != nullptr) return found;
  }
}

}  // namespace odradek

#include "log/compressed_check.h"

#include "log/batch.h"

namespace odradek {

namespace {

// What it costs to make a plain byte, about: zlib makes half a gigabyte a second, zstd one, the others two and more.
uint32_t cost_of_byte(Codec codec) { return codec == Codec::kGzip ? 4 : codec == Codec::kZstd ? 2 : 1; }

}  // namespace

void CompressedCheck::begin(std::span<const uint8_t> batch, const RecordRules& rules, Inflater& inflater) {
  const BatchHeader header(batch.data());
  const auto codec = static_cast<Codec>(header.attributes() & batch_attribute::kCodecMask);
  records_ = RecordStream(header.record_count());
  judge_ = RecordJudge(rules);
  failure_.status = Status();
  failure_.record_errors.clear();
  failure_.record_error_count = 0;
  cost_ = cost_of_byte(codec);
  in_order_ = true;
  inflater.begin(codec, batch.subspan(batch_at::kRecords));
}

Code CompressedCheck::end(Code code, const char* why) {
  failure_.record_errors.clear();
  failure_.record_error_count = 0;
  failure_.status = Status(code, 0, why);
  return code;
}

Code CompressedCheck::go_on(Inflater& inflater, uint64_t* budget) {
  for (;;) {
    if (*budget == 0) return Code::kWouldBlock;
    const uint64_t before = inflater.made();
    const Decoded decoded = inflater.fill();
    const uint64_t cost = (inflater.made() - before) * cost_;
    *budget -= cost < *budget ? cost : *budget;
    if (decoded == Decoded::kNoMemory) return end(Code::kOutOfMemory, "no memory to inflate a batch");
    if (decoded == Decoded::kDamaged) return end(Code::kUnreadable, "the records of a compressed batch are damaged");
    inflater.consume(records_.feed(inflater.plain(), [this](int32_t index, const RecordHead& record) {
      const bool well = judge_.judge(index, record, &failure_);
      if (well && record.offset_delta != index) in_order_ = false;
    }));
    if (records_.trouble() != nullptr) return end(Code::kInvalidRecord, records_.trouble());
    if (records_.all_read() && !inflater.plain().empty()) return end(Code::kInvalidRecord, "bytes are left over after the last record");
    if (decoded == Decoded::kEnd) break;
  }
  if (!records_.all_read()) return end(Code::kInvalidRecord, "the batch ends inside a record");
  const Code code = judge_.verdict().code;
  // Kafka would write such a batch anew, fails on having skipped its keys and values, and does not know why.
  if (code == Code::kOk && !in_order_) return end(Code::kUnreadable, "offsets inside the batch do not count up from 0");
  return code;
}

}  // namespace odradek

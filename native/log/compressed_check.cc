#include "log/compressed_check.h"

#include "log/batch.h"
#include "log/look_budget.h"

namespace odradek {

void CompressedCheck::begin(std::span<const uint8_t> batch, const RecordRules& rules, Inflater& inflater) {
  const BatchHeader header(batch.data());
  const auto codec = static_cast<Codec>(header.attributes() & batch_attribute::kCodecMask);
  records_ = RecordStream(header.record_count());
  judge_ = RecordJudge(rules);
  failure_.status = Status();
  failure_.record_errors.clear();
  failure_.record_error_count = 0;
  codec_ = codec;
  inflater.begin(codec, batch.subspan(batch_at::kRecords));
}

bool CompressedCheck::end(Code code, const char* why) {
  verdict_ = RecordVerdict();
  verdict_.code = code;
  verdict_.reason = why;
  return true;
}

bool CompressedCheck::go_on(Inflater& inflater, uint64_t* budget) {
  for (Decoded decoded = Decoded::kMore; decoded != Decoded::kEnd;) {
    if (*budget == 0) return false;
    const uint64_t before = inflater.made();
    decoded = inflater.fill();
    spend(budget, codec_, inflater.made() - before);
    if (decoded == Decoded::kNoMemory) return end(Code::kOutOfMemory, "no memory to inflate a batch");
    if (decoded == Decoded::kDamaged) return end(Code::kUnreadable, "the batch does not inflate");
    inflater.consume(records_.feed(inflater.plain(), [this](int32_t index, const RecordHead& record) {
      judge_.judge(index, record, &failure_);
    }));
    if (records_.trouble() != nullptr) return end(Code::kInvalidRecord, records_.trouble());
    if (records_.all_read() && !inflater.plain().empty()) return end(Code::kInvalidRecord, "bytes are left over after the last record");
  }
  if (!records_.all_read()) return end(Code::kInvalidRecord, "the batch ends inside a record");
  verdict_ = judge_.verdict();
  // Nobody could read such a record. Kafka lets it in: what else is to blame in the batch is told first.
  if (verdict_.code == Code::kOk && !records_.lengths_fit()) return end(Code::kInvalidRecord, "a record is not as long as its fields");
  return true;
}

}  // namespace odradek

// Looks into a compressed batch, as LogValidator does: inflates it a windowful at a time and judges its records as they
// come. What there is to do may be left after any windowful and taken up again.
#pragma once

#include <cstdint>
#include <span>

#include "codec/inflater.h"
#include "log/append_job.h"
#include "log/record_stream.h"
#include "log/record_walk.h"

namespace odradek {

class CompressedCheck {
 public:
  // `batch` is whole, and its header was found good. It stays where it is, unchanged, until the end.
  void begin(std::span<const uint8_t> batch, const RecordRules& rules, Inflater& inflater);

  // Goes on, with the inflater that it began with, until it is over or has spent `budget` (look_budget.h). False: it is
  // not over.
  bool go_on(Inflater& inflater, uint64_t* budget);

  // What came of it, once it is over, and the records to blame.
  const RecordVerdict& verdict() const { return verdict_; }
  AppendFailure& failure() { return failure_; }

 private:
  bool end(Code code, const char* why);

  RecordStream records_;
  RecordJudge judge_;
  RecordVerdict verdict_;
  AppendFailure failure_;
  Codec codec_ = Codec::kNone;
};

}  // namespace odradek

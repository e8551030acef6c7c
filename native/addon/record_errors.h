// Refused records as TypeScript reads them: doubles, kRecordErrorFields for each. src/native/exchange.ts says the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "addon/cookie.h"
#include "log/append_job.h"

namespace odradek {

inline constexpr size_t kRecordErrorFields = 3;  // index within the batch, code, timestamp

// Writes as many as there is room for, and says how many that were.
inline size_t write_record_errors(const std::vector<RecordError>& errors, double* to, size_t room) {
  const size_t count = std::min(errors.size(), room / kRecordErrorFields);
  for (size_t i = 0; i < count; ++i, to += kRecordErrorFields) {
    to[0] = errors[i].index;
    to[1] = code_of(errors[i].code);
    to[2] = static_cast<double>(errors[i].timestamp);
  }
  return count;
}

}  // namespace odradek

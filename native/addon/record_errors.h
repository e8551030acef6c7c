// Refused records as TypeScript reads them: doubles, kRecordErrorFields for each. src/native/exchange.ts says the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "addon/cookie.h"
#include "log/append_job.h"

namespace odradek {

inline constexpr size_t kRecordErrorFields = 7;

// Writes as many as there is room for, and says how many that were.
inline size_t write_record_errors(const std::vector<RecordError>& errors, double* to, size_t room) {
  const size_t count = std::min(errors.size(), room / kRecordErrorFields);
  for (size_t i = 0; i < count; ++i, to += kRecordErrorFields) {
    to[0] = errors[i].index;
    to[1] = code_of(errors[i].code);
    // In halves: a client may say any, and reads what it said.
    to[2] = static_cast<double>(errors[i].timestamp >> 32);
    to[3] = static_cast<double>(static_cast<uint32_t>(errors[i].timestamp));
    to[4] = errors[i].offset_delta;
    to[5] = errors[i].key_size;
    to[6] = errors[i].value_size;
  }
  return count;
}

}  // namespace odradek

// The flags of an append as TypeScript writes them, as the log knows them.
#pragma once

#include <cstdint>

#include "addon/layout.h"
#include "log/append_job.h"

namespace odradek {

inline uint32_t append_flags(uint32_t script) {
  uint32_t flags = 0;
  if (script & kScriptLogAppendTime) flags |= kAppendLogAppendTime;
  if (script & kScriptKeysRequired) flags |= kAppendKeysRequired;
  if (script & kScriptFollower) flags |= kAppendFollower;
  if (script & kScriptInternal) flags |= kAppendInternal;
  return flags;
}

}  // namespace odradek

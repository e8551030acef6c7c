// The memory that native code and TypeScript share. src/native/exchange.ts says the same: a change goes into both.
#pragma once

#include <cstddef>
#include <cstdint>

namespace odradek {

inline constexpr size_t kEventCapacity = 1024;
inline constexpr size_t kCompletionCapacity = 4096;
inline constexpr size_t kCommandWords = 64 * 1024;
inline constexpr size_t kLogCapacity = 64 * 1024;

enum class CompletionKind : int32_t { kAppended = 1, kAnswerFailed = 2, kRolled = 3, kFlushed = 4, kJob = 5, kBroken = 6 };

// One record of `completions`. Doubles, so that TypeScript reads offsets without bigint.
struct Completion {
  double kind = 0;
  double log = 0;
  double cookie = 0;
  double code = 0;
  double first = 0;   // appended: base offset
  double second = 0;  // appended: last offset
  double third = 0;   // appended: largest timestamp, or the append time
  double fourth = 0;  // appended: byte position of the end in the active segment
  double generation = 0;
  double leader_epoch = 0;  // appended: of the last batch written
};
static_assert(sizeof(Completion) == 10 * sizeof(double), "TypeScript reads ten doubles per completion");

enum class Opcode : int32_t {
  kRespond = 1,
  kRespondNothing = 2,
  kFail = 3,
  kReleaseFrame = 4,
  kAppend = 5,
  kAnswer = 6,
  kBegin = 7,
  kAppendRow = 8,
  kAdvance = 9,
};

enum ScriptAppendFlags : uint32_t {
  kScriptLogAppendTime = 1u << 0,
  kScriptKeysRequired = 1u << 1,
  kScriptFollower = 1u << 3,
  kScriptNotify = 1u << 4,
  kScriptInternal = 1u << 5,
};

// What is to become of the first batch where it is longer than the bytes asked for.
enum class FirstBatch : uint32_t { kCut = 0, kWholeOrNothing = 1, kWhole = 2 };
inline constexpr uint32_t kFirstBatchKinds = 3;

// Fields of a batch as scan() gives it.
inline constexpr size_t kScanFields = 12;

// Fields of a segment as segments() gives it: base offset, size, time of its last change.
inline constexpr size_t kSegmentFields = 3;

}  // namespace odradek

// Failures as values. Nothing below addon/ throws across a module border.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/invariant.h"

namespace odradek {

// Stable: TypeScript and logs know these numbers. Append only, never renumber.
enum class Code : int32_t {
  kOk = 0,

  // The system and the caller.
  kClosed = 1,           // the object was closed (or is closing); nothing was done
  kInvalidArgument = 2,  // the caller broke a documented rule
  kIoError = 3,          // EIO and every errno without a code of its own; see Status::sys()
  kNoSpace = 4,          // ENOSPC, EDQUOT: may succeed again later
  kNotFound = 5,         // ENOENT
  kExists = 6,           // EEXIST
  kPermission = 7,       // EACCES, EPERM, EROFS
  kTooManyFiles = 8,     // EMFILE, ENFILE
  kLocked = 9,           // another process holds the lock
  kWouldBlock = 10,      // a non-blocking call would have waited
  kOutOfMemory = 11,     // ENOMEM, or a budget of ours is spent
  kCorruptFile = 12,     // bytes on disk contradict themselves
  kAddressInUse = 13,    // EADDRINUSE
  kConnectionLost = 14,  // ECONNRESET, EPIPE and kin

  // Appending. What Kafka calls each is in the comment.
  kCorruptBatch = 100,       // CORRUPT_MESSAGE: truncated, wrong length, wrong CRC
  kUnsupportedMagic = 101,   // INVALID_RECORD; batches of magic 0 and 1 are not for this path
  kInvalidRecord = 102,      // INVALID_RECORD, the whole batch
  kInvalidTimestamp = 103,   // INVALID_TIMESTAMP, with record errors
  kMessageTooLarge = 104,    // MESSAGE_TOO_LARGE: one batch over max_message_bytes
  kRecordListTooLarge = 105, // RECORD_LIST_TOO_LARGE: one append over segment_bytes
  kStaleGeneration = 106,    // decided before an earlier failure was known; decide anew
  kUnexpectedOffset = 107,   // follower append below the end, or offsets that do not rise
  kOffsetOutOfRange = 108,   // OFFSET_OUT_OF_RANGE: below the start or past the end
  kUnreadable = 109,         // UNKNOWN_SERVER_ERROR: what Kafka has no error for, such as a body that does not inflate
  kFencedEpoch = 110,        // NOT_LEADER_OR_FOLLOWER: of a leader epoch below the log's
};

// A word for logs and for NativeError.code, such as "ERR_NO_SPACE". Never null.
const char* code_name(Code code);

// A value: copy it, return it. The success path carries no allocation.
class [[nodiscard]] Status {
 public:
  Status() = default;
  explicit Status(Code code, int sys = 0) : code_(code), sys_(sys) {}
  Status(Code code, int sys, std::string detail)
      : code_(code), sys_(sys), detail_(std::make_shared<const std::string>(std::move(detail))) {}

  static Status success() { return Status(); }
  // Translates an errno; `what` says which call on which thing failed.
  static Status from_errno(int sys, std::string_view what);

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  int sys() const { return sys_; }  // errno, 0 when the system was not involved
  std::string_view detail() const { return detail_ ? std::string_view(*detail_) : std::string_view(); }
  std::string to_string() const;

 private:
  Code code_ = Code::kOk;
  int sys_ = 0;
  std::shared_ptr<const std::string> detail_;
};

// The one place where an errno becomes a Code.
Code code_from_errno(int sys);

// Either a T or the Status that says why not.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                                    // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) { INVARIANT(!status_.ok()); }  // NOLINT: implicit on purpose

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // REQUIRES: ok()
  T& operator*() & { INVARIANT(ok()); return *value_; }
  const T& operator*() const& { INVARIANT(ok()); return *value_; }
  T operator*() && { INVARIANT(ok()); return std::move(*value_); }
  T* operator->() { INVARIANT(ok()); return &*value_; }
  const T* operator->() const { INVARIANT(ok()); return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace odradek

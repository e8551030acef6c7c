#include "base/status.h"

#include <cerrno>
#include <cstring>

namespace odradek {

const char* code_name(Code code) {
  switch (code) {
    case Code::kOk: return "OK";
    case Code::kClosed: return "ERR_CLOSED";
    case Code::kInvalidArgument: return "ERR_INVALID_ARGUMENT";
    case Code::kIoError: return "ERR_IO";
    case Code::kNoSpace: return "ERR_NO_SPACE";
    case Code::kNotFound: return "ERR_NOT_FOUND";
    case Code::kExists: return "ERR_EXISTS";
    case Code::kPermission: return "ERR_PERMISSION";
    case Code::kTooManyFiles: return "ERR_TOO_MANY_FILES";
    case Code::kLocked: return "ERR_LOCKED";
    case Code::kWouldBlock: return "ERR_WOULD_BLOCK";
    case Code::kOutOfMemory: return "ERR_OUT_OF_MEMORY";
    case Code::kCorruptFile: return "ERR_CORRUPT_FILE";
    case Code::kAddressInUse: return "ERR_ADDRESS_IN_USE";
    case Code::kConnectionLost: return "ERR_CONNECTION_LOST";
    case Code::kCorruptBatch: return "ERR_CORRUPT_BATCH";
    case Code::kUnsupportedMagic: return "ERR_UNSUPPORTED_MAGIC";
    case Code::kInvalidRecord: return "ERR_INVALID_RECORD";
    case Code::kInvalidTimestamp: return "ERR_INVALID_TIMESTAMP";
    case Code::kMessageTooLarge: return "ERR_MESSAGE_TOO_LARGE";
    case Code::kRecordListTooLarge: return "ERR_RECORD_LIST_TOO_LARGE";
    case Code::kStaleGeneration: return "ERR_STALE_GENERATION";
    case Code::kUnexpectedOffset: return "ERR_UNEXPECTED_OFFSET";
    case Code::kOffsetOutOfRange: return "ERR_OFFSET_OUT_OF_RANGE";
    case Code::kFencedEpoch: return "ERR_FENCED_EPOCH";
    case Code::kUnreadable: return "ERR_UNREADABLE";
  }
  return "ERR_UNKNOWN";
}

Code code_from_errno(int sys) {
  switch (sys) {
    case 0: return Code::kOk;
    case ENOSPC:
    case EDQUOT: return Code::kNoSpace;
    case ENOENT:
    case ENOTDIR: return Code::kNotFound;
    case EEXIST: return Code::kExists;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kPermission;
    case EMFILE:
    case ENFILE: return Code::kTooManyFiles;
    case EAGAIN: return Code::kWouldBlock;
    case ENOMEM: return Code::kOutOfMemory;
    case EINVAL:
    case EBADF: return Code::kInvalidArgument;
    case EADDRINUSE: return Code::kAddressInUse;
    case ECONNRESET:
    case EPIPE:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOTCONN: return Code::kConnectionLost;
    default: return Code::kIoError;
  }
}

Status Status::from_errno(int sys, std::string_view what) {
  std::string detail(what);
  detail += ": ";
  detail += std::strerror(sys);
  return Status(code_from_errno(sys), sys, std::move(detail));
}

std::string Status::to_string() const {
  std::string text = code_name(code_);
  if (detail_) text += ": " + *detail_;
  return text;
}

}  // namespace odradek

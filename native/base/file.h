// The seam to the file system. Production uses PosixFileSystem; tests put one behind it that fails, tears or forgets.
//
// Threads: every method of both classes may be called from any thread at once, as the system calls behind them may.
// Every call may block on the disk, except where it says nowait.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapping.h"
#include "base/status.h"

namespace odradek {

// An open file. Shared by whoever may still send from it: the descriptor closes with the last owner, so a slice of a
// deleted segment stays readable until it is sent.
class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // For sendfile and preadv2. Valid as long as this object; -1 when there is none (files of tests).
  virtual int descriptor() const noexcept = 0;

  // Writes all of it, repeating short writes, any number of pieces. On failure some prefix may have been written.
  virtual Status write_at(uint64_t position, std::span<const iovec> pieces) = 0;

  // Reads until `into` is full or the file ends; says how many bytes.
  virtual Result<size_t> read_at(uint64_t position, std::span<uint8_t> into) = 0;

  // The same from the page cache alone (RWF_NOWAIT). kWouldBlock when nothing can be had without waiting; may be short.
  virtual Result<size_t> read_nowait(uint64_t position, std::span<uint8_t> into) = 0;

  virtual Status sync_data() = 0;  // fdatasync
  virtual Status sync_all() = 0;   // fsync, dirty pages of mappings included

  virtual Status truncate(uint64_t size) = 0;

  // Makes the file at least `size` bytes with space really allocated, zeros where it was shorter. kNoSpace leaves it as
  // it was, as far as the system allows.
  virtual Status allocate(uint64_t size) = 0;

  virtual Result<uint64_t> size() = 0;

  // Shows [0, capacity) in memory, shared with the file, for reading and writing. See Mapping for what may be touched.
  // The mapping outlives this object if need be.
  virtual Result<Mapping> map(uint64_t capacity) = 0;

  // Advice, never an error: soon needed, not needed again.
  virtual void will_need(uint64_t position, uint64_t length) = 0;
  virtual void dont_need(uint64_t position, uint64_t length) = 0;
};

// What log slices and the send queue share.
using FileHandle = File;

enum class OpenMode {
  kRead,        // must exist
  kReadWrite,   // must exist
  kCreate,      // read and write; created when missing, kept as it is when there
  kCreateNew,   // read and write; kExists when there
};

struct FileFacts {
  uint64_t size = 0;
  int64_t modified_ms = 0;
  bool directory = false;
};

// Held while it lives. Released by the destructor, and by the system when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Status remove(const std::string& path) = 0;
  virtual Status make_directory(const std::string& path) = 0;
  virtual Status remove_directory(const std::string& path) = 0;  // must be empty
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, unsorted, without . and ..
  virtual Result<FileFacts> facts(const std::string& path) = 0;
  virtual Status set_modified(const std::string& path, int64_t modified_ms) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;  // exclusive; kLocked when taken
};

// The real one. Stateless.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Status remove_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<FileFacts> facts(const std::string& path) override;
  Status set_modified(const std::string& path, int64_t modified_ms) override;
  Status sync_directory(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
};

}  // namespace odradek

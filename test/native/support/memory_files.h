// A file system in memory that can forget. It keeps apart what was written and what would survive a power cut, counts
// system calls, and at any of them stops the world, runs out of space or reports a broken disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"

namespace odradek::test {

enum class Unsynced { kDropped, kKept, kTorn };

struct Fault {
  enum class Kind { kNone, kCrashAfter, kNoSpace, kIoError };
  Kind kind = Kind::kNone;
  uint64_t at = 0;        // number of the call, counted from 0 since construction or crash()
  bool sticky = false;    // all later calls fail the same way too
  bool partial = false;   // a write does half of its work first
};

// Memory of a file as a mapping shows it: pages past the end of the file are not there, so that a touch is a fault as it
// would be on a real disk.
class Pages {
 public:
  Pages();
  ~Pages();
  Pages(const Pages&) = delete;
  uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }
  void resize(uint64_t size);  // new bytes are zero
  static constexpr uint64_t kCapacity = 64u << 20;

 private:
  uint8_t* data_;
  uint64_t size_ = 0;
  uint64_t open_ = 0;  // accessible bytes, whole pages
};

struct Inode {
  std::shared_ptr<Pages> now = std::make_shared<Pages>();
  std::vector<uint8_t> durable;
  int64_t modified_ms = 0;
};

class MemoryFileSystem final : public FileSystem {
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

  void set_fault(Fault fault);
  // Bytes the disk holds; UINT64_MAX: endless.
  void set_capacity(uint64_t bytes);
  uint64_t calls() const;
  std::vector<std::string> trace() const;  // names of the calls so far
  int open_files() const { return open_files_.load(); }

  // The power goes and comes back. What was not synced is treated as told; `seed` decides where it tears. Names of files
  // change in the order they were changed: a journal. Counting starts anew, faults are gone.
  void crash(Unsynced unsynced, uint64_t seed);

  // For looking at results, uncounted.
  bool exists(const std::string& path) const;
  std::vector<uint8_t> contents(const std::string& path) const;
  void put(const std::string& path, std::vector<uint8_t> bytes);
  std::vector<std::string> names(const std::string& directory) const;

 private:
  friend class MemoryFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  // Counts a call; not ok: it fails with this, and `*half` says whether a part of it happens all the same.
  Status enter(const char* call, const std::string& path, bool* half = nullptr);
  void leave();
  uint64_t used() const;
  void change_names(std::function<void(Names&)> change);

  mutable std::mutex mutex_;
  Names now_;
  Names durable_;
  std::vector<std::function<void(Names&)>> journal_;  // changes of names since the directory was synced
  Fault fault_;
  bool stopped_ = false;
  uint64_t calls_ = 0;
  uint64_t capacity_ = UINT64_MAX;
  std::vector<std::string> trace_;
  std::atomic<int> open_files_{0};
};

}  // namespace odradek::test

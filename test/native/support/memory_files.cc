#include "support/memory_files.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace odradek::test {

namespace {
constexpr uint64_t kPage = 4096;
constexpr uint64_t kSector = 512;
uint64_t round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }
}  // namespace

namespace {

// Ranges of addresses that files had, for files to come: a system call each, and page faults, are most of what an
// enumeration of thousands of lives costs. All of it is zero, and out of reach.
struct Ranges {
  std::mutex mutex;
  std::vector<uint8_t*> free;  // under it

  uint8_t* take() {
    {
      const std::lock_guard lock(mutex);
      if (!free.empty()) {
        uint8_t* const range = free.back();
        free.pop_back();
        return range;
      }
    }
    void* const range = ::mmap(nullptr, Pages::kCapacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    INVARIANT(range != MAP_FAILED);
    return static_cast<uint8_t*>(range);
  }

  void put(uint8_t* range) {
    const std::lock_guard lock(mutex);
    free.push_back(range);
  }
};

// Never destroyed: mappings may outlive main().
Ranges& ranges() {
  static Ranges& all = *new Ranges();
  return all;
}

}  // namespace

Pages::Pages() : data_(ranges().take()) {}

Pages::~Pages() {
  resize(0);
  ranges().put(data_);
}

void Pages::resize(uint64_t size) {
  INVARIANT(size <= kCapacity);
  const uint64_t open = round_up(size, kPage);
  if (open > open_) INVARIANT(::mprotect(data_ + open_, open - open_, PROT_READ | PROT_WRITE) == 0);
  if (size < size_) std::memset(data_ + size, 0, std::min(open_, round_up(size_, kPage)) - size);
  if (open < open_) INVARIANT(::mprotect(data_ + open, open_ - open, PROT_NONE) == 0);
  open_ = open;
  size_ = size;
}

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& files, std::shared_ptr<Inode> inode, std::string path)
      : files_(files), inode_(std::move(inode)), path_(std::move(path)) {
    ++files_.open_files_;
  }
  ~MemoryFile() override { --files_.open_files_; }

  int descriptor() const noexcept override { return -1; }

  Status write_at(uint64_t position, std::span<const iovec> pieces) override {
    const std::lock_guard lock(files_.mutex_);
    uint64_t total = 0;
    for (const iovec& piece : pieces) total += piece.iov_len;
    bool half = false;
    Status status = files_.enter("write", path_, &half);
    const uint64_t grows = position + total > inode_->now->size() ? position + total - inode_->now->size() : 0;
    if (status.ok() && files_.used() + grows > files_.capacity_) {
      status = Status::from_errno(ENOSPC, "write " + path_);
      half = true;
    }
    if (status.ok() || half) {
      uint64_t left = status.ok() ? total : total / 2;
      if (position + left > inode_->now->size()) inode_->now->resize(position + left);
      for (const iovec& piece : pieces) {
        const uint64_t part = std::min<uint64_t>(left, piece.iov_len);
        std::memcpy(inode_->now->data() + position, piece.iov_base, part);
        position += part;
        left -= part;
      }
    }
    if (status.ok()) files_.leave();
    return status;
  }

  Result<size_t> read_at(uint64_t position, std::span<uint8_t> into) override {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter("read", path_); !status.ok()) return status;
    const uint64_t size = inode_->now->size();
    const size_t count = position >= size ? 0 : static_cast<size_t>(std::min<uint64_t>(into.size(), size - position));
    if (count > 0) std::memcpy(into.data(), inode_->now->data() + position, count);
    files_.leave();
    return count;
  }

  Result<size_t> read_nowait(uint64_t position, std::span<uint8_t> into) override { return read_at(position, into); }

  Status sync_data() override { return sync("fdatasync"); }
  Status sync_all() override { return sync("fsync"); }

  Status truncate(uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter("truncate", path_); !status.ok()) return status;
    inode_->now->resize(size);
    files_.leave();
    return Status::success();
  }

  Status allocate(uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter("allocate", path_); !status.ok()) return status;
    const uint64_t before = inode_->now->size();
    if (size > before) {
      if (files_.used() + (size - before) > files_.capacity_) return Status::from_errno(ENOSPC, "allocate " + path_);
      inode_->now->resize(size);
    }
    files_.leave();
    return Status::success();
  }

  Result<uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter("stat", path_); !status.ok()) return status;
    files_.leave();
    return inode_->now->size();
  }

  Result<Mapping> map(uint64_t capacity) override {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter("map", path_); !status.ok()) return status;
    INVARIANT(capacity <= Pages::kCapacity);
    files_.leave();
    return Mapping(inode_->now->data(), capacity, [keep = inode_->now](uint8_t*, size_t) {});
  }

  void will_need(uint64_t, uint64_t) override {}
  void dont_need(uint64_t, uint64_t) override {}

 private:
  Status sync(const char* call) {
    const std::lock_guard lock(files_.mutex_);
    if (Status status = files_.enter(call, path_); !status.ok()) return status;
    inode_->durable.assign(inode_->now->data(), inode_->now->data() + inode_->now->size());
    files_.leave();
    return Status::success();
  }

  MemoryFileSystem& files_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
};

Status MemoryFileSystem::enter(const char* call, const std::string& path, bool* half) {
  if (stopped_) return Status(Code::kIoError, EIO, "the machine has stopped");
  const uint64_t number = calls_++;
  trace_.push_back(std::string(call) + " " + path);
  if (fault_.kind != Fault::Kind::kNoSpace && fault_.kind != Fault::Kind::kIoError) return Status::success();
  if (number < fault_.at || (number > fault_.at && !fault_.sticky)) return Status::success();
  // What needs no space does not run out of it.
  const std::string_view name = call;
  const bool needs_space = name == "write" || name == "allocate" || name == "open" || name == "make_directory";
  if (fault_.kind == Fault::Kind::kNoSpace && !needs_space) return Status::success();
  if (half != nullptr) *half = fault_.partial;
  return Status::from_errno(fault_.kind == Fault::Kind::kNoSpace ? ENOSPC : EIO, std::string(call) + " " + path);
}

void MemoryFileSystem::leave() {
  if (fault_.kind == Fault::Kind::kCrashAfter && calls_ > fault_.at) stopped_ = true;
}

uint64_t MemoryFileSystem::used() const {
  uint64_t bytes = 0;
  for (const auto& [name, inode] : now_) bytes += inode ? inode->now->size() : 0;
  return bytes;
}

void MemoryFileSystem::change_names(std::function<void(Names&)> change) {
  change(now_);
  journal_.push_back(std::move(change));
}

Result<std::shared_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  const bool creates = found == now_.end() && (mode == OpenMode::kCreate || mode == OpenMode::kCreateNew);
  if (Status status = enter(creates ? "open" : "reopen", path); !status.ok()) return status;
  if (found == now_.end() && !creates) return Status::from_errno(ENOENT, "open " + path);
  if (found != now_.end() && mode == OpenMode::kCreateNew) return Status::from_errno(EEXIST, "open " + path);
  std::shared_ptr<Inode> inode = creates ? std::make_shared<Inode>() : found->second;
  if (creates) change_names([path, inode](Names& names) { names[path] = inode; });
  leave();
  return std::shared_ptr<File>(std::make_shared<MemoryFile>(*this, std::move(inode), path));
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("rename", from); !status.ok()) return status;
  if (!now_.contains(from)) return Status::from_errno(ENOENT, "rename " + from);
  change_names([from, to](Names& names) {
    const auto entry = names.find(from);
    if (entry == names.end()) return;
    std::shared_ptr<Inode> inode = entry->second;
    names.erase(entry);
    names[to] = inode;
  });
  leave();
  return Status::success();
}

Status MemoryFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("remove", path); !status.ok()) return status;
  if (!now_.contains(path)) return Status::from_errno(ENOENT, "remove " + path);
  change_names([path](Names& names) { names.erase(path); });
  leave();
  return Status::success();
}

Status MemoryFileSystem::make_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("make_directory", path); !status.ok()) return status;
  if (now_.contains(path)) return Status::from_errno(EEXIST, "make directory " + path);
  now_[path] = nullptr;  // directories themselves are durable at once: their parent is another's care
  durable_[path] = nullptr;
  leave();
  return Status::success();
}

Status MemoryFileSystem::remove_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("remove_directory", path); !status.ok()) return status;
  change_names([path](Names& names) { names.erase(path); });
  leave();
  return Status::success();
}

std::vector<std::string> MemoryFileSystem::names(const std::string& directory) const {
  std::vector<std::string> found;
  const std::string prefix = directory + "/";
  for (const auto& [path, inode] : now_) {
    if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos) found.push_back(path.substr(prefix.size()));
  }
  return found;
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("list", path); !status.ok()) return status;
  if (!now_.contains(path)) return Status::from_errno(ENOENT, "list " + path);
  leave();
  return names(path);
}

Result<FileFacts> MemoryFileSystem::facts(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("stat", path); !status.ok()) return status;
  const auto found = now_.find(path);
  if (found == now_.end()) return Status::from_errno(ENOENT, "stat " + path);
  FileFacts facts;
  facts.directory = found->second == nullptr;
  if (found->second) {
    facts.size = found->second->now->size();
    facts.modified_ms = found->second->modified_ms;
  }
  leave();
  return facts;
}

Status MemoryFileSystem::set_modified(const std::string& path, int64_t modified_ms) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("set_modified", path); !status.ok()) return status;
  const auto found = now_.find(path);
  if (found == now_.end() || !found->second) return Status::from_errno(ENOENT, "set times of " + path);
  found->second->modified_ms = modified_ms;
  leave();
  return Status::success();
}

Status MemoryFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status status = enter("sync_directory", path); !status.ok()) return status;
  for (const auto& change : journal_) change(durable_);
  journal_.clear();
  leave();
  return Status::success();
}

Result<uint64_t> MemoryFileSystem::free_bytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  return capacity_ - used();
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string&) {
  return std::unique_ptr<FileLock>(std::make_unique<FileLock>());
}

void MemoryFileSystem::set_fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  fault_.at += calls_;
}

void MemoryFileSystem::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

uint64_t MemoryFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::vector<std::string> MemoryFileSystem::trace() const {
  const std::lock_guard lock(mutex_);
  return trace_;
}

namespace {

// What the disk holds of a file after the power went: each sector and the size may have arrived or not.
std::vector<uint8_t> after_crash(const Inode& inode, Unsynced unsynced, std::mt19937_64& random) {
  const std::vector<uint8_t> written(inode.now->data(), inode.now->data() + inode.now->size());
  if (unsynced == Unsynced::kKept) return written;
  if (unsynced == Unsynced::kDropped) return inode.durable;
  std::vector<uint8_t> torn = inode.durable;
  const bool size_arrived = random() % 2 == 0;
  if (size_arrived) torn.resize(written.size());
  for (uint64_t at = 0; at < torn.size() && at < written.size(); at += kSector) {
    if (random() % 2 == 0) continue;
    const uint64_t end = std::min<uint64_t>({at + kSector, torn.size(), written.size()});
    std::copy(written.begin() + static_cast<ptrdiff_t>(at), written.begin() + static_cast<ptrdiff_t>(end),
              torn.begin() + static_cast<ptrdiff_t>(at));
  }
  return torn;
}

}  // namespace

void MemoryFileSystem::crash(Unsynced unsynced, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  size_t arrived = 0;
  if (unsynced == Unsynced::kKept) arrived = journal_.size();
  if (unsynced == Unsynced::kTorn) arrived = random() % (journal_.size() + 1);
  for (size_t i = 0; i < arrived; ++i) journal_[i](durable_);
  journal_.clear();
  Names survived;
  for (const auto& [path, inode] : durable_) {
    if (!inode) {
      survived[path] = nullptr;
      continue;
    }
    auto fresh = std::make_shared<Inode>();
    fresh->durable = after_crash(*inode, unsynced, random);
    fresh->modified_ms = inode->modified_ms;
    fresh->now->resize(fresh->durable.size());
    std::copy(fresh->durable.begin(), fresh->durable.end(), fresh->now->data());
    survived[path] = std::move(fresh);
  }
  now_ = survived;
  durable_ = std::move(survived);
  stopped_ = false;
  fault_ = {};
  calls_ = 0;
  trace_.clear();
}

bool MemoryFileSystem::exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return now_.contains(path);
}

std::vector<uint8_t> MemoryFileSystem::contents(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  INVARIANT(found != now_.end() && found->second);
  const Pages& pages = *found->second->now;
  return {pages.data(), pages.data() + pages.size()};
}

void MemoryFileSystem::put(const std::string& path, std::vector<uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Inode>& inode = now_[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->now->resize(bytes.size());
  std::copy(bytes.begin(), bytes.end(), inode->now->data());
  inode->durable = std::move(bytes);
  durable_[path] = inode;
}

}  // namespace odradek::test

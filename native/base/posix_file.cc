#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace odradek {

namespace {

// Calls until it is not interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  int descriptor() const noexcept override { return fd_; }

  Status write_at(uint64_t position, std::span<const iovec> pieces) override {
    while (!pieces.empty()) {
      const int count = static_cast<int>(std::min<size_t>(pieces.size(), IOV_MAX));
      const ssize_t wrote = uninterrupted([&] { return ::pwritev(fd_, pieces.data(), count, static_cast<off_t>(position)); });
      if (wrote < 0) return failed("write");
      position += static_cast<uint64_t>(wrote);
      if (const Status rest = skip_written(static_cast<size_t>(wrote), &pieces, &position); !rest.ok()) return rest;
    }
    return Status::success();
  }

  Result<size_t> read_at(uint64_t position, std::span<uint8_t> into) override {
    size_t filled = 0;
    while (filled < into.size()) {
      const ssize_t got = uninterrupted(
          [&] { return ::pread(fd_, into.data() + filled, into.size() - filled, static_cast<off_t>(position + filled)); });
      if (got < 0) return failed("read");
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    return filled;
  }

  Result<size_t> read_nowait(uint64_t position, std::span<uint8_t> into) override {
    const iovec piece{into.data(), into.size()};
    const ssize_t got =
        uninterrupted([&] { return ::preadv2(fd_, &piece, 1, static_cast<off_t>(position), RWF_NOWAIT); });
    if (got < 0) {
      // A file system that cannot promise not to wait: the caller takes the road that may.
      if (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS) return Status(Code::kWouldBlock, errno);
      return failed("read");
    }
    return static_cast<size_t>(got);
  }

  Status sync_data() override {
    return uninterrupted([&] { return ::fdatasync(fd_); }) == 0 ? Status::success() : failed("sync");
  }
  Status sync_all() override {
    return uninterrupted([&] { return ::fsync(fd_); }) == 0 ? Status::success() : failed("sync");
  }
  Status truncate(uint64_t size) override {
    return uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }) == 0 ? Status::success()
                                                                                         : failed("truncate");
  }

  Status allocate(uint64_t size) override {
    Result<uint64_t> before = this->size();
    if (!before.ok()) return before.status();
    int sys;
    do sys = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    while (sys == EINTR);
    if (sys == 0) return Status::success();
    // It may have grown a part of the way.
    if (*before < size) static_cast<void>(truncate(*before));
    return Status::from_errno(sys, "allocate " + path_);
  }

  Result<uint64_t> size() override {
    struct stat facts;
    if (::fstat(fd_, &facts) != 0) return failed("stat");
    return static_cast<uint64_t>(facts.st_size);
  }

  Result<Mapping> map(uint64_t capacity) override {
    void* at = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (at == MAP_FAILED) return failed("map");
    return Mapping(static_cast<uint8_t*>(at), capacity, [](uint8_t* data, size_t size) { ::munmap(data, size); });
  }

  void will_need(uint64_t position, uint64_t length) override {
    ::posix_fadvise(fd_, static_cast<off_t>(position), static_cast<off_t>(length), POSIX_FADV_WILLNEED);
  }
  void dont_need(uint64_t position, uint64_t length) override {
    ::posix_fadvise(fd_, static_cast<off_t>(position), static_cast<off_t>(length), POSIX_FADV_DONTNEED);
  }

 private:
  // Advances past `wrote` bytes; a piece that was cut is finished here, so that pieces stay untouched.
  Status skip_written(size_t wrote, std::span<const iovec>* pieces, uint64_t* position) {
    while (!pieces->empty() && wrote >= pieces->front().iov_len) {
      wrote -= pieces->front().iov_len;
      *pieces = pieces->subspan(1);
    }
    if (wrote == 0) return Status::success();
    const auto* rest = static_cast<const uint8_t*>(pieces->front().iov_base) + wrote;
    size_t left = pieces->front().iov_len - wrote;
    while (left > 0) {
      const ssize_t more = uninterrupted([&] { return ::pwrite(fd_, rest, left, static_cast<off_t>(*position)); });
      if (more < 0) return failed("write");
      rest += more;
      left -= static_cast<size_t>(more);
      *position += static_cast<uint64_t>(more);
    }
    *pieces = pieces->subspan(1);
    return Status::success();
  }

  Status failed(const char* what) const {
    const int sys = errno;
    return Status::from_errno(sys, std::string(what) + " " + path_);
  }

  const int fd_;
  const std::string path_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(int fd) : fd_(fd) {}
  ~PosixFileLock() override { ::close(fd_); }

 private:
  const int fd_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead: return O_RDONLY;
    case OpenMode::kReadWrite: return O_RDWR;
    case OpenMode::kCreate: return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew: return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

Status done(int result, const char* what, const std::string& path) {
  if (result == 0) return Status::success();
  const int sys = errno;
  return Status::from_errno(sys, std::string(what) + " " + path);
}

}  // namespace

Result<std::shared_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0644); });
  if (fd < 0) return done(-1, "open", path);
  return std::shared_ptr<File>(std::make_shared<PosixFile>(fd, path));
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  return done(::rename(from.c_str(), to.c_str()), "rename", from);
}

Status PosixFileSystem::remove(const std::string& path) { return done(::unlink(path.c_str()), "remove", path); }

Status PosixFileSystem::make_directory(const std::string& path) {
  return done(::mkdir(path.c_str(), 0755), "make directory", path);
}

Status PosixFileSystem::remove_directory(const std::string& path) {
  return done(::rmdir(path.c_str()), "remove directory", path);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return done(-1, "list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) names.emplace_back(entry->d_name);
    errno = 0;
  }
  const int sys = errno;
  ::closedir(directory);
  if (sys != 0) return Status::from_errno(sys, "list " + path);
  return names;
}

Result<FileFacts> PosixFileSystem::facts(const std::string& path) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return done(-1, "stat", path);
  FileFacts facts;
  facts.size = static_cast<uint64_t>(found.st_size);
  facts.modified_ms = static_cast<int64_t>(found.st_mtim.tv_sec) * 1000 + found.st_mtim.tv_nsec / 1'000'000;
  facts.directory = S_ISDIR(found.st_mode);
  return facts;
}

Status PosixFileSystem::set_modified(const std::string& path, int64_t modified_ms) {
  const timespec modified{static_cast<time_t>(modified_ms / 1000), static_cast<long>(modified_ms % 1000 * 1'000'000)};
  const timespec times[2] = {{0, UTIME_OMIT}, modified};
  return done(::utimensat(AT_FDCWD, path.c_str(), times, 0), "set times of", path);
}

Status PosixFileSystem::sync_directory(const std::string& path) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return done(-1, "open directory", path);
  const int result = uninterrupted([&] { return ::fsync(fd); });
  const Status status = done(result, "sync directory", path);
  ::close(fd);
  return status;
}

Result<uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs facts;
  if (::statvfs(path.c_str(), &facts) != 0) return done(-1, "statvfs", path);
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

// An open-file-description lock: it excludes Kafka's fcntl lock in another process, and a second broker in this one.
Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); });
  if (fd < 0) return done(-1, "open", path);
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    const int sys = errno;
    ::close(fd);
    if (sys == EAGAIN || sys == EACCES) return Status(Code::kLocked, sys, "lock " + path + ": held by another");
    return Status::from_errno(sys, "lock " + path);
  }
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(fd));
}

}  // namespace odradek

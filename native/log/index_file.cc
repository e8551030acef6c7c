#include "log/index_file.h"

#include <algorithm>

namespace odradek {

namespace {
constexpr uint64_t kFirstAllocation = 4096;
constexpr uint64_t kGrowth = 4;  // times as much, each time
}  // namespace

IndexFile::IndexFile(FileSystem& files, std::string path, uint32_t entry_size, uint64_t max_bytes)
    : files_(files),
      path_(std::move(path)),
      entry_size_(entry_size),
      max_entries_(static_cast<uint32_t>(std::max<uint64_t>(1, max_bytes / entry_size))) {}

Status IndexFile::create() {
  Result<std::shared_ptr<File>> file = files_.open(path_, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status cut = (*file)->truncate(0); !cut.ok()) return cut;
  const uint64_t first = std::min<uint64_t>(kFirstAllocation / entry_size_, max_entries_) * entry_size_;
  if (Status grew = (*file)->allocate(first); !grew.ok()) return grew;
  allocated_ = first;
  entries_at_open_ = 0;
  return map(**file);
}

Status IndexFile::open() {
  Result<std::shared_ptr<File>> file = files_.open(path_, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  Result<uint64_t> size = (*file)->size();
  if (!size.ok()) return size.status();
  entries_at_open_ = static_cast<uint32_t>(std::min<uint64_t>(*size / entry_size_, UINT32_MAX));
  max_entries_ = std::max(max_entries_, entries_at_open_);
  // A file of Kafka's may be sparse. Allocating what it claims to have makes reading and writing it safe.
  if (entries_at_open_ > 0) {
    if (Status whole = (*file)->allocate(*size); !whole.ok()) return whole;
  }
  allocated_ = *size;
  return map(**file);
}

Status IndexFile::map(File& file) {
  Result<Mapping> mapping = file.map(static_cast<uint64_t>(max_entries_) * entry_size_);
  if (!mapping.ok()) return mapping.status();
  mapping_ = std::move(*mapping);
  return Status::success();
}

Status IndexFile::grow(uint32_t count) {
  INVARIANT(count <= max_entries_);
  const uint64_t most = static_cast<uint64_t>(max_entries_) * entry_size_;
  const uint64_t needed = static_cast<uint64_t>(count) * entry_size_;
  const uint64_t wanted = std::min(most, std::max({needed, allocated_ * kGrowth, kFirstAllocation / entry_size_ * entry_size_}));
  Result<std::shared_ptr<File>> file = files_.open(path_, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  if (Status grew = (*file)->allocate(wanted); !grew.ok()) return grew;
  allocated_ = wanted;
  return Status::success();
}

Status IndexFile::trim(uint32_t count) {
  const uint64_t size = static_cast<uint64_t>(count) * entry_size_;
  if (size == allocated_) return Status::success();
  Result<std::shared_ptr<File>> file = files_.open(path_, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  if (Status cut = (*file)->truncate(size); !cut.ok()) return cut;
  allocated_ = size;
  return Status::success();
}

Status IndexFile::sync() {
  Result<std::shared_ptr<File>> file = files_.open(path_, OpenMode::kReadWrite);
  return file.ok() ? (*file)->sync_all() : file.status();
}

}  // namespace odradek

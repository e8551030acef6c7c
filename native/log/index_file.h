// The file under an index: fixed-size entries in a mapping whose space is allocated before it is touched, so that a full
// disk is a Status and never a SIGBUS. Knows nothing of what the entries mean.
//
// Kafka makes the file of an active segment segment.index.bytes long, sparse. Ours is as long as what is really
// allocated, and grows; the rest of the mapping lies past the end of the file and is not touched. Nobody sees the
// difference: Kafka rebuilds the index of the last segment after a crash, and a closed one is trimmed to its entries.
//
// No descriptor is held: 10,000 partitions share a descriptor limit.
#pragma once

#include <cstdint>
#include <string>

#include "base/file.h"

namespace odradek {

// Threads: one writer (append side); entries below a count that the owner published may be read by any.
class IndexFile {
 public:
  // `max_bytes` is segment.index.bytes; the mapping is that long, rounded down to whole entries (at least one).
  IndexFile(FileSystem& files, std::string path, uint32_t entry_size, uint64_t max_bytes);

  // An empty file with room for some entries; replaces what was there.
  Status create();
  // An existing one; entries() afterwards says how many whole entries it has.
  Status open();

  uint32_t entry_count_at_open() const { return entries_at_open_; }
  uint32_t max_entries() const { return max_entries_; }

  // REQUIRES: index < what reserve() granted or entry_count_at_open().
  uint8_t* entry(uint32_t index) const { return mapping_.data() + static_cast<uint64_t>(index) * entry_size_; }

  // Room for `count` entries in all. Cheap when there is.
  // REQUIRES: count <= max_entries()
  Status reserve(uint32_t count) {
    return static_cast<uint64_t>(count) * entry_size_ <= allocated_ ? Status::success() : grow(count);
  }

  // Cuts the file to its first `count` entries and gives the rest of its space back.
  Status trim(uint32_t count);

  // Makes entries and size durable.
  Status sync();

  // Unmaps. Nothing but destruction may follow.
  void close() { mapping_ = Mapping(); }

  const std::string& path() const { return path_; }

 private:
  Status grow(uint32_t count);
  Status map(File& file);

  FileSystem& files_;
  const std::string path_;
  const uint32_t entry_size_;
  uint32_t max_entries_;
  uint64_t allocated_ = 0;  // bytes of the file, all of them with space
  uint32_t entries_at_open_ = 0;
  Mapping mapping_;
};

}  // namespace odradek

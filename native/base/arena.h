// The memory that crosses between sockets, logs and TypeScript: one range of addresses, handed out in counted blocks.
//
//   | page 0 | page 1 | page 2 | page 3 | ...       pages of 64 KiB
//   [block a ][block b                  ][free ...   a block is a run of pages with one reference count
//
// The range is reserved once and never moves, so TypeScript can see all of it as one ArrayBuffer. Memory is only used
// where somebody wrote; runs that were freed go back to the system beyond a small reserve that stays warm.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"

namespace odradek {

// Threads: every method from any thread, except where it says otherwise.
//
// An offset counts bytes from the start of the range and fits 31 bits. Any offset inside a block names that block.
// A block is free when its last reference is released; a use of it afterwards is a bug of the caller (release() and
// retain() of a free block break an INVARIANT).
class Arena {
 public:
  static constexpr uint32_t kPageBytes = 64 * 1024;
  static constexpr uint32_t kNoRoom = UINT32_MAX;
  static constexpr uint64_t kMaxCapacity = uint64_t{1} << 31;
  static constexpr uint64_t kDefaultCapacity = uint64_t{256} << 20;

  struct Options {
    uint64_t capacity = kDefaultCapacity;      // rounded up to whole pages; at most kMaxCapacity
    uint64_t warm_bytes = uint64_t{32} << 20;  // free memory kept resident for the next lease
  };

  static Result<std::unique_ptr<Arena>> reserve(Options options);
  ~Arena();  // REQUIRES: nobody uses the range any more
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A block of at least `bytes`, with one reference that is the caller's. Its content is arbitrary. kNoRoom when no run
  // of free pages is long enough: then the room listener is called once some block has been freed.
  // REQUIRES: bytes > 0
  uint32_t lease(uint32_t bytes);

  // Adds `count` references to the block around `offset`. REQUIRES: the caller holds one (or knows who does).
  void retain(uint32_t offset, uint32_t count = 1);

  // Whether a block is leased there now. Exact for who holds a reference to it; a guess, good for refusing nonsense, for
  // anybody else.
  bool is_leased(uint32_t offset) const;

  // Gives `count` references back. The last one frees the block.
  void release(uint32_t offset, uint32_t count = 1);

  // True when the caller's reference is the only one: then nobody else can see the block, and it may be written anew.
  // REQUIRES: the caller holds a reference to the block that begins at `offset`
  bool sole_owner(uint32_t offset) const;

  uint8_t* at(uint32_t offset) const { return base_ + offset; }
  uint8_t* base() const { return base_; }
  uint64_t capacity() const { return uint64_t{pages_} * kPageBytes; }
  // Bytes of the block that begins at `offset`, whole pages.
  uint32_t block_bytes(uint32_t offset) const;

  uint64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }          // bytes leased, whole pages
  uint64_t resident() const { return resident_bytes_.load(std::memory_order_relaxed); }  // leased or kept warm

  // Called on the thread that released, when a block becomes free after a lease() failed; once per run of failures. It
  // must not block, nor use the arena. nullptr takes it off; when that returns the old one is not running any more.
  void on_room(std::function<void()> listener);

 private:
  struct Run {
    uint32_t first = 0;
    uint32_t pages = 0;
  };

  Arena(uint8_t* base, uint32_t pages, uint32_t warm_pages);
  uint32_t find_run(uint32_t pages) const;
  uint32_t take_warm(uint32_t first, uint32_t pages);
  void put_free(uint32_t first, uint32_t pages, bool warm);
  Run take_surplus();
  void free_block(uint32_t head);

  struct Block {
    std::atomic<uint32_t> references{0};
    uint32_t pages = 0;
  };

  // Fixed at construction.
  uint8_t* const base_;
  const uint32_t pages_;
  const uint32_t warm_pages_;

  // By page. head_of_ is written under mutex_ before the block's first reference exists, and read only by holders of
  // one; they got theirs from whoever leased, so they see it.
  std::vector<uint32_t> head_of_;
  std::unique_ptr<Block[]> blocks_;  // indexed by head page

  mutable std::mutex mutex_;
  // Under mutex_. One bit per page, 64 to a word.
  std::vector<uint64_t> free_;
  std::vector<uint64_t> warm_;     // free, but still backed by memory
  uint32_t lowest_free_word_ = 0;  // no free page lies in a word before it
  uint32_t warm_count_ = 0;
  bool giving_back_ = false;       // some thread is; it also sees what others free meanwhile
  bool starved_ = false;           // a lease failed, and the listener has not been told of room since

  std::atomic<uint64_t> in_use_{0};
  std::atomic<uint64_t> resident_bytes_{0};

  std::mutex listener_mutex_;
  std::function<void()> listener_;  // under listener_mutex_
};

}  // namespace odradek

#include "base/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "base/invariant.h"

namespace odradek {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

constexpr uint64_t bit_of(uint32_t page) { return uint64_t{1} << (page % 64); }

}  // namespace

Result<std::unique_ptr<Arena>> Arena::reserve(Options options) {
  if (options.capacity == 0 || options.capacity > kMaxCapacity) {
    return Status(Code::kInvalidArgument, 0, "arena capacity must be between 1 byte and 2 GiB");
  }
  const uint64_t pages = (options.capacity + kPageBytes - 1) / kPageBytes;
  void* base = ::mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Status::from_errno(errno, "mmap of the arena");
  const uint64_t warm = std::min(options.warm_bytes / kPageBytes, pages);
  return std::unique_ptr<Arena>(new Arena(static_cast<uint8_t*>(base), static_cast<uint32_t>(pages), static_cast<uint32_t>(warm)));
}

Arena::Arena(uint8_t* base, uint32_t pages, uint32_t warm_pages)
    : base_(base),
      pages_(pages),
      warm_pages_(warm_pages),
      head_of_(pages, kNone),
      blocks_(new Block[pages]),
      free_((pages + 63) / 64, 0),
      warm_((pages + 63) / 64, 0) {
  put_free(0, pages, false);
}

Arena::~Arena() { ::munmap(base_, capacity()); }

uint32_t Arena::lease(uint32_t bytes) {
  INVARIANT(bytes > 0);
  const uint32_t pages = (bytes - 1) / kPageBytes + 1;
  const std::lock_guard lock(mutex_);
  const uint32_t head = find_run(pages);
  if (head == kNone) {
    starved_ = true;
    return kNoRoom;
  }
  const uint32_t were_warm = take_warm(head, pages);
  std::fill_n(head_of_.begin() + head, pages, head);
  blocks_[head].pages = pages;
  blocks_[head].references.store(1, std::memory_order_relaxed);
  in_use_.fetch_add(uint64_t{pages} * kPageBytes, std::memory_order_relaxed);
  resident_bytes_.fetch_add(uint64_t{pages - were_warm} * kPageBytes, std::memory_order_relaxed);
  return head * kPageBytes;
}

void Arena::retain(uint32_t offset, uint32_t count) {
  INVARIANT(offset < capacity() && head_of_[offset / kPageBytes] != kNone);
  const uint32_t before = blocks_[head_of_[offset / kPageBytes]].references.fetch_add(count, std::memory_order_relaxed);
  INVARIANT(before > 0);
}

bool Arena::is_leased(uint32_t offset) const {
  return offset < capacity() && head_of_[offset / kPageBytes] != kNone;
}

void Arena::release(uint32_t offset, uint32_t count) {
  INVARIANT(offset < capacity() && head_of_[offset / kPageBytes] != kNone);
  const uint32_t head = head_of_[offset / kPageBytes];
  const uint32_t before = blocks_[head].references.fetch_sub(count, std::memory_order_acq_rel);
  INVARIANT(before >= count);
  if (before == count) free_block(head);
}

bool Arena::sole_owner(uint32_t offset) const {
  return blocks_[offset / kPageBytes].references.load(std::memory_order_acquire) == 1;
}

uint32_t Arena::block_bytes(uint32_t offset) const { return blocks_[offset / kPageBytes].pages * kPageBytes; }

void Arena::on_room(std::function<void()> listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

// Giving memory back is a system call that may take long, so it happens outside the lock, with the pages in nobody's
// hands meanwhile: neither leased nor free.
void Arena::free_block(uint32_t head) {
  bool room = false;
  {
    std::unique_lock lock(mutex_);
    const uint32_t pages = blocks_[head].pages;
    in_use_.fetch_sub(uint64_t{pages} * kPageBytes, std::memory_order_relaxed);
    put_free(head, pages, true);
    if (!giving_back_) {
      giving_back_ = true;
      for (Run run = take_surplus(); run.pages > 0; run = take_surplus()) {
        lock.unlock();
        ::madvise(base_ + uint64_t{run.first} * kPageBytes, uint64_t{run.pages} * kPageBytes, MADV_DONTNEED);
        lock.lock();
        resident_bytes_.fetch_sub(uint64_t{run.pages} * kPageBytes, std::memory_order_relaxed);
        put_free(run.first, run.pages, false);
      }
      giving_back_ = false;
    }
    room = starved_;
    starved_ = false;
  }
  if (!room) return;
  const std::lock_guard lock(listener_mutex_);
  if (listener_) listener_();
}

// First fit from the lowest address, so that what is in use stays together and the top of the range stays cold.
uint32_t Arena::find_run(uint32_t pages) const {
  uint32_t start = 0;
  uint32_t length = 0;
  for (uint32_t word = lowest_free_word_; word < free_.size(); ++word) {
    const uint64_t bits = free_[word];
    if (bits == 0) {
      length = 0;
      continue;
    }
    if (pages == 1) return word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
    if (bits == ~uint64_t{0}) {
      if (length == 0) start = word * 64;
      length += 64;
      if (length >= pages) return start;
      continue;
    }
    for (uint32_t page = word * 64; page < word * 64 + 64; ++page) {
      if ((bits & bit_of(page)) == 0) {
        length = 0;
        continue;
      }
      if (length == 0) start = page;
      if (++length >= pages) return start;
    }
  }
  return kNone;
}

// Makes a free run used. Says how many of its pages were warm.
uint32_t Arena::take_warm(uint32_t first, uint32_t pages) {
  uint32_t were_warm = 0;
  for (uint32_t page = first; page < first + pages; ++page) {
    free_[page / 64] &= ~bit_of(page);
    if ((warm_[page / 64] & bit_of(page)) != 0) ++were_warm;
    warm_[page / 64] &= ~bit_of(page);
  }
  warm_count_ -= were_warm;
  while (lowest_free_word_ < free_.size() && free_[lowest_free_word_] == 0) ++lowest_free_word_;
  return were_warm;
}

void Arena::put_free(uint32_t first, uint32_t pages, bool warm) {
  for (uint32_t page = first; page < first + pages; ++page) {
    head_of_[page] = kNone;
    free_[page / 64] |= bit_of(page);
    if (warm) warm_[page / 64] |= bit_of(page);
  }
  if (warm) warm_count_ += pages;
  lowest_free_word_ = std::min(lowest_free_word_, first / 64);
}

// Takes the topmost run of warm free pages beyond the reserve out of circulation; empty when there is none.
Arena::Run Arena::take_surplus() {
  if (warm_count_ <= warm_pages_) return {};
  const uint32_t surplus = warm_count_ - warm_pages_;
  uint32_t word = static_cast<uint32_t>(warm_.size()) - 1;
  while (warm_[word] == 0) --word;
  uint32_t end = word * 64 + 64 - static_cast<uint32_t>(std::countl_zero(warm_[word]));
  uint32_t first = end;
  while (first > 0 && end - first < surplus && (warm_[(first - 1) / 64] & bit_of(first - 1)) != 0) --first;
  take_warm(first, end - first);
  return {first, end - first};
}

}  // namespace odradek

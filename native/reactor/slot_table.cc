#include "reactor/slot_table.h"

#include <algorithm>
#include <mutex>

namespace odradek::reactor {

SlotTable::~SlotTable() {
  for (std::atomic<Slot*>& chunk : chunks_) delete[] chunk.load();
}

SlotChain SlotTable::take(uint32_t wanted) {
  SlotChain chain;
  const std::lock_guard lock(lock_);
  while (chain.count < wanted) {
    if (free_ == nullptr) make_chunk();
    if (free_ == nullptr) break;
    Slot* slot = free_;
    free_ = slot->next;
    chain.push(*slot);
  }
  taken_.fetch_add(chain.count, std::memory_order_seq_cst);
  return chain;
}

void SlotTable::give(SlotChain chain) {
  if (chain.count == 0) return;
  for (Slot* slot = chain.head; slot != nullptr; slot = slot->next) {
    const uint32_t handle = slot->handle.load(std::memory_order_relaxed);
    const uint32_t generation = ((handle >> kSlotIndexBits) + 1) & kGenerationMask;
    slot->handle.store((generation << kSlotIndexBits) | (handle & kSlotIndexMask), std::memory_order_relaxed);
    slot->state = Slot::State::kFree;
  }
  const std::lock_guard lock(lock_);
  chain.tail->next = free_;
  free_ = chain.head;
  taken_.fetch_sub(chain.count, std::memory_order_seq_cst);
}

// The lock is held over this allocation: it happens once per 1,024 requests that are in flight at the same time.
void SlotTable::make_chunk() {
  const uint32_t from = made_.load(std::memory_order_relaxed);
  if (from >= capacity_) return;
  const uint32_t count = std::min(kChunk, capacity_ - from);
  Slot* chunk = new Slot[kChunk];
  for (uint32_t i = count; i-- > 0;) {
    chunk[i].handle.store(from + i, std::memory_order_relaxed);
    chunk[i].next = free_;
    free_ = &chunk[i];
  }
  chunks_[from / kChunk].store(chunk, std::memory_order_release);
  made_.store(from + count, std::memory_order_release);
}

}  // namespace odradek::reactor

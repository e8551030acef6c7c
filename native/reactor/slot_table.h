// The requests that were announced and whose answers are not sent yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/arena.h"
#include "base/invariant.h"
#include "base/spin_lock.h"
#include "reactor/piece.h"
#include "reactor/slot_index.h"

namespace odradek::reactor {

struct Connection;

// One request. `state` and `next` are protected by the connection's lock while the slot is in use; the
// pieces belong to whoever fills them in, then to whoever holds the connection's right to send.
struct Slot {
  enum class State : uint8_t {
    kFree,
    kOpen,      // waits for its answer
    kFilling,   // somebody is putting in the pieces of its answer
    kAnswered,  // the pieces are complete (none of them: nothing is to be sent)
    kFailed,    // the connection ends here
    kOrphan,    // waits for its answer, but the connection is gone
    kHeld,      // no request: a frame that came on a dialled connection, until it is released
  };

  std::atomic<Connection*> connection{nullptr};
  Slot* next = nullptr;  // the connection's next younger request; among free slots, the next free one
  std::atomic<uint32_t> handle{0};                // what the outside calls it: generation and index
  std::atomic<uint64_t> frame{kReleased};         // an offset within its block, and what it counts against the budget
  State state = State::kFree;
  uint32_t piece_count = 0;
  uint64_t bytes = 0;  // of all pieces
  Piece first;
  std::vector<Piece> others;  // keeps its capacity from use to use

  static constexpr uint64_t kReleased = UINT64_MAX;
  static constexpr uint64_t frame_of(uint32_t offset, uint32_t charge) { return (uint64_t{offset} << 32) | charge; }
  // What a frame counts that was asked for. A request always counts something.
  static constexpr uint32_t kNoCharge = 0;

  Piece& piece(uint32_t i) { return i == 0 ? first : others[i - 1]; }
};

// A chain of slots, linked by `next`.
struct SlotChain {
  Slot* head = nullptr;
  Slot* tail = nullptr;
  uint32_t count = 0;

  void push(Slot& slot) {
    slot.next = nullptr;
    (tail != nullptr ? tail->next : head) = &slot;
    tail = &slot;
    ++count;
  }
  void append(SlotChain other) {
    if (other.count == 0) return;
    (tail != nullptr ? tail->next : head) = other.head;
    tail = other.tail;
    count += other.count;
  }
  Slot& take_first() {
    Slot& slot = *head;
    head = slot.next;
    if (head == nullptr) tail = nullptr;
    --count;
    return slot;
  }
};

// Threads: all methods from any. Slots stay where they are until the table goes, so that a stale pointer reads a slot,
// if not its own.
class SlotTable {
 public:
  static constexpr uint32_t kGenerationMask = (1u << (31 - kSlotIndexBits)) - 1;  // a handle stays below 2^31: TypeScript keeps it in an int32

  explicit SlotTable(uint32_t capacity) : capacity_(capacity) { INVARIANT(capacity <= kMostSlots); }

  // The slot that `handle` names, or null when it never existed or was reused.
  Slot* find(uint32_t handle) const {
    const uint32_t index = handle & kSlotIndexMask;
    if (index >= made_.load(std::memory_order_acquire)) return nullptr;
    Slot* slot = &chunks_[index / kChunk].load(std::memory_order_acquire)[index % kChunk];
    return slot->handle.load(std::memory_order_relaxed) == handle ? slot : nullptr;
  }

  // Free slots for a network thread to have at hand: `wanted`, or fewer when the table is nearly full.
  SlotChain take(uint32_t wanted);

  // Back. Their pieces and frames were released; their handles change here.
  void give(SlotChain chain);

  // Slots that are out, those at hand of the threads included.
  uint32_t taken() const { return taken_.load(std::memory_order_seq_cst); }

  // For the end: every slot ever made.
  template <typename Visit>
  void for_each(Visit visit) {
    for (uint32_t index = 0; index < made_; ++index) visit(chunks_[index / kChunk].load()[index % kChunk]);
  }

  ~SlotTable();

 private:
  static constexpr uint32_t kChunk = 1024;

  void make_chunk();

  const uint32_t capacity_;
  std::atomic<Slot*> chunks_[kMostSlots / kChunk] = {};
  std::atomic<uint32_t> made_{0};
  std::atomic<uint32_t> taken_{0};
  SpinLock lock_;
  Slot* free_ = nullptr;  // under lock_; the last one given is taken first: its lines are warm
};

}  // namespace odradek::reactor

#include "reactor/connection.h"

#include <mutex>
#include <new>
#include <utility>

#include "base/invariant.h"
#include "reactor/network_thread.h"

namespace odradek::reactor {

namespace {

bool is_settled(const Slot& slot) { return slot.state == Slot::State::kAnswered || slot.state == Slot::State::kFailed; }

}  // namespace

void Connection::renew(NetworkThread& owner, Transport& through, uint32_t of_listener, int descriptor,
                       const SocketAddress& from, uint32_t longest_frame) {
  INVARIANT(holds == 0 && socket < 0 && !posted && head == nullptr && !reader.midway());
  generation.store((generation.load(std::memory_order_relaxed) + 1) & 0x7fffffff, std::memory_order_relaxed);
  thread = &owner;
  transport = &through;
  listener = of_listener;
  peer = from;
  dialled = connecting = false;
  max_frame = longest_frame;
  error = 0;
  socket = descriptor;
  holds = 2;  // the open socket, and the `closed` event to come
  shaken = unread = ended = in_turns = in_waiting = false;
  closed = broken = sending = room_seen = paused = read_held = active = false;
  todo = 0;
  state = Sending::kIdle;
  reason = CloseReason::kPeer;
  expected = 1;
  assumed_warm = 0;
  sent_pieces = sent_bytes = 0;
}

void Connection::renew_dialled(NetworkThread& owner, Transport& through, int descriptor, const SocketAddress& to,
                               uint32_t longest_frame, std::string congestion_of_system) {
  renew(owner, through, 0, descriptor, to, longest_frame);
  dialled = true;
  state = Sending::kConnecting;
  congestion = std::move(congestion_of_system);
}

void Connection::push(SlotChain chain) {
  (tail != nullptr ? tail->next : head) = chain.head;
  tail = chain.tail;
  in_flight += chain.count;
}

bool Connection::settle(Slot& slot) {
  Slot* next = ready_tail != nullptr ? ready_tail->next : head;
  if (next != &slot) return false;
  for (; next != nullptr && is_settled(*next); next = next->next) ready_tail = next;
  return true;
}

SlotChain Connection::pop(Slot& last, uint32_t count, uint64_t bytes) {
  SlotChain chain{head, &last, count};
  head = last.next;
  if (head == nullptr) tail = nullptr;
  if (ready_tail == &last) ready_tail = nullptr;
  last.next = nullptr;
  in_flight -= count;
  unsent_bytes -= bytes;
  return chain;
}

void Connection::post(Todo what) {
  todo |= what;
  if (posted) return;
  posted = true;
  ++holds;
  thread->push_mail(*this);
}

int Connection::dispose(SlotChain& freed) {
  INVARIANT(closed && !sending);
  for (Slot* slot = head; slot != nullptr;) {
    Slot* const next = slot->next;
    if (is_settled(*slot)) {
      freed.push(*slot);
    } else {
      slot->state = Slot::State::kOrphan;
      slot->next = nullptr;
      ++holds;
    }
    slot = next;
  }
  head = ready_tail = tail = nullptr;
  in_flight = 0;
  unsent_bytes = 0;
  return std::exchange(socket, -1);
}

Connection& ConnectionTable::take() {
  const std::lock_guard lock(lock_);
  if (free_.empty()) {
    const uint32_t from = made_.load(std::memory_order_relaxed);
    INVARIANT(from / kChunk < kMostChunks);  // a million sockets: descriptors ran out long before
    auto* chunk = static_cast<Connection*>(::operator new(sizeof(Connection) * kChunk, std::align_val_t{alignof(Connection)}));
    for (uint32_t i = 0; i < kChunk; ++i) new (&chunk[i]) Connection(from + i);
    free_.reserve(from + kChunk);
    for (uint32_t i = kChunk; i-- > 0;) free_.push_back(from + i);
    chunks_[from / kChunk].store(chunk, std::memory_order_release);
    made_.store(from + kChunk, std::memory_order_release);
  }
  Connection& connection = *at(free_.back());
  free_.pop_back();
  return connection;
}

void ConnectionTable::put(Connection& connection) {
  const std::lock_guard lock(lock_);
  free_.push_back(connection.index);
}

Connection* ConnectionTable::at(uint32_t index) const {
  if (index >= made_.load(std::memory_order_acquire)) return nullptr;
  return &chunks_[index / kChunk].load(std::memory_order_acquire)[index % kChunk];
}

ConnectionTable::~ConnectionTable() {
  for (std::atomic<Connection*>& slot : chunks_) {
    Connection* const chunk = slot.load();
    if (chunk == nullptr) continue;
    for (uint32_t i = 0; i < kChunk; ++i) chunk[i].~Connection();
    ::operator delete(chunk, std::align_val_t{alignof(Connection)});
  }
}

}  // namespace odradek::reactor

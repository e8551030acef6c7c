#include "reactor/core.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace odradek::reactor {

namespace {

constexpr uint32_t kMostThreads = 32;
// Slots a thread may take beyond max_requests: one receive may bring many tiny frames, and some are kept at hand.
constexpr uint32_t kSlotsAhead = FrameReader::kMostFrames + 128;

// Frames of peers, sent and received.
constexpr uint32_t kMostPeerFrames = 1u << 15;

uint32_t slots_beside_requests(const ReactorOptions& options) {
  return kMostPeerFrames + options.network_threads * kSlotsAhead;
}

ReactorOptions within_limits(ReactorOptions options) {
  options.network_threads = std::clamp(options.network_threads, 1u, kMostThreads);
  options.max_requests = std::clamp(options.max_requests, 1u, kMostSlots - slots_beside_requests(options));
  options.max_in_flight = std::max(options.max_in_flight, 1u);
  options.max_request_bytes = std::min(options.max_request_bytes, 0x7fffffffu);
  return options;
}

}  // namespace

Core::Core(ReactorOptions given, Arena& arena_, Clock& clock_, WarmUp* warm_up_, std::function<void()> wake)
    : options(within_limits(given)),
      arena(arena_),
      clock(clock_),
      warm_up(warm_up_),
      slots(options.max_requests + slots_beside_requests(options)),
      wake_(std::move(wake)) {}

Core::~Core() {
  close();
  arena.on_room(nullptr);
  slots.for_each([this](Slot& slot) {
    if (slot.state != Slot::State::kFree) release_bytes(slot);  // requests nobody answered
  });
}

Status Core::start() {
  for (uint32_t i = 0; i < options.network_threads; ++i) {
    Result<Poller> poller = Poller::open();
    if (!poller.ok()) return poller.status();
    threads_.push_back(std::make_unique<NetworkThread>(*this, *std::move(poller), i));
  }
  arena.on_room([this] { room_in_arena(); });
  for (auto& thread : threads_) thread->start();
  return Status::success();
}

Result<uint16_t> Core::listen(uint32_t id, const std::string& host, uint16_t port, uint32_t backlog) {
  Result<ListeningSocket> listening = listen_tcp(host, port,
                                                 {.backlog = backlog > 0 ? backlog : options.backlog,
                                                  .send_buffer_bytes = options.send_buffer_bytes,
                                                  .receive_buffer_bytes = options.receive_buffer_bytes});
  if (!listening.ok()) return listening.status();
  const std::lock_guard lock(mutex_);
  if (closed_) return Status(Code::kClosed);
  const uint64_t token = NetworkThread::kListenerToken | listeners_.size();
  if (Status status = threads_[0]->poller().watch_listener(listening->descriptor.get(), token); !status.ok()) return status;
  listeners_.push_back({std::move(listening->descriptor), id, std::move(listening->congestion)});
  return listening->port;
}

void Core::stop_listening() {
  std::unique_lock lock(mutex_);
  stop_listening_ = true;
  threads_[0]->nudge();
  listeners_gone_.wait(lock, [this] { return !stop_listening_ || (closed_ && threads_gone_); });
}

// Only the thread that accepts may close a listener: anybody else could hand it a number that means another file by now.
void Core::close_listeners_if_asked(bool always) {
  if (!always && !stop_listening_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  for (Listener& listener : listeners_) listener.descriptor = Descriptor();
  stop_listening_ = false;
  listeners_gone_.notify_all();
}

const Core::Listener& Core::listener(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  return listeners_[number];  // a deque's elements stay where they are
}

void Core::close() {
  {
    std::unique_lock lock(mutex_);
    if (closed_) {
      listeners_gone_.wait(lock, [this] { return threads_gone_; });
      return;
    }
    closed_ = true;
  }
  closing.store(true, std::memory_order_seq_cst);
  for (auto& thread : threads_) thread->nudge();
  for (auto& thread : threads_) thread->join();
  for (auto& thread : threads_) thread->drop_mail();
  // Somebody may still be inside a send that began before; it does not block, and closes its socket when it is back.
  while (open.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  const std::lock_guard lock(mutex_);
  threads_gone_ = true;
  listeners_gone_.notify_all();
}

// The flag goes down before the queues are looked at: what is queued later finds it down and wakes again.
size_t Core::poll(Event* out, size_t capacity) {
  wake_pending_.store(false, std::memory_order_seq_cst);
  // Whoever goes through what was polled may dial meanwhile: that must not get an index whose `closed` still lies ahead.
  for (Connection* const connection : told_closed_) drop_hold(*connection);
  told_closed_.clear();
  size_t count = 0;
  for (size_t i = 0; i < threads_.size() && count < capacity; ++i) {
    NetworkThread& thread = *threads_[(poll_from_ + i) % threads_.size()];
    count += thread.take_events(out + count, capacity - count);
  }
  ++poll_from_;
  if (count == 0) return 0;

  const uint32_t now_us = static_cast<uint32_t>(clock.monotonic_ns() / 1000) & 0x7fffffff;
  for (size_t i = 0; i < count; ++i) {
    Event& event = out[i];
    switch (static_cast<EventKind>(event.kind)) {
      case EventKind::kConnected:
        break;
      case EventKind::kRequest:
      case EventKind::kAnswer:
        event.queued_us = (now_us - event.queued_us) & 0x7fffffff;
        break;
      case EventKind::kOpened:
        connections.at(event.connection)->known = true;
        break;
      case EventKind::kClosed: {
        Connection& connection = *connections.at(event.connection);
        connection.known = false;
        told_closed_.push_back(&connection);
        break;
      }
    }
  }
  return count;
}

Connection* Core::known(uint32_t index) const {
  Connection* const connection = connections.at(index);
  return connection != nullptr && connection->known ? connection : nullptr;
}

Result<uint32_t> Core::dial(const std::string& address, uint16_t port, const DialOptions& how) {
  Result<SocketAddress> to = numeric_address(address, port);
  if (!to.ok()) return to.status();
  Result<DialledSocket> socket = dialling_socket(*to, how.receive_buffer_bytes);
  if (!socket.ok()) return socket.status();
  const std::lock_guard lock(mutex_);
  if (closed_) return Status(Code::kClosed);
  open.fetch_add(1, std::memory_order_relaxed);
  dialled.fetch_add(1, std::memory_order_relaxed);
  Connection& connection = connections.take();
  NetworkThread& owner = next_thread();
  {
    const std::lock_guard guard(connection.lock);
    connection.renew_dialled(owner, tcp, socket->descriptor.take(), *to, std::min(how.max_frame_bytes, 0x7fffffffu),
                             std::move(socket->congestion));
    connection.post(Connection::kAdopt);
  }
  connection.known = true;
  owner.nudge();
  return connection.index;
}

void Core::pause(Connection& connection, bool paused) {
  {
    const std::lock_guard lock(connection.lock);
    connection.paused = paused;
    if (connection.closed || !connection.read_held) return;
    if (!connection.may_read(options.max_in_flight, options.max_queued_response_bytes, false)) return;
    connection.read_held = false;
    connection.post(Connection::kRead);
  }
  connection.thread->nudge();
}

void Core::end(Connection& connection, CloseReason reason) {
  {
    const std::lock_guard lock(connection.lock);
    if (connection.closed || connection.broken) return;
    connection.broken = true;
    connection.reason = reason;
    connection.post(Connection::kClose);
  }
  connection.thread->nudge();
}

void Core::warmed(uint64_t ticket, bool ok) {
  Connection* const connection = connections.at(static_cast<uint32_t>(ticket));
  if (connection == nullptr) return;
  NetworkThread* thread;
  {
    const std::lock_guard lock(connection->lock);
    if (connection->token() != ticket || connection->closed || connection->state != Connection::Sending::kWarming) return;
    if (!ok) {
      connection->broken = true;
      connection->reason = CloseReason::kReadFailed;
    }
    connection->post(ok ? Connection::kWarmed : Connection::kClose);
    thread = connection->thread;
  }
  thread->nudge();
}

Core::Answered Core::answer(uint32_t handle, Slot::State outcome, std::span<Piece> pieces, AnswerBatch* batch) {
  Slot* const slot = slots.find(handle);
  if (slot == nullptr) return {};
  Connection* const connection = slot->connection.load(std::memory_order_relaxed);
  if (connection == nullptr) return {};

  const auto fill = [&] {
    slot->piece_count = 0;
    slot->bytes = 0;
    for (Piece& piece : pieces) {
      if (piece.length == 0) continue;
      if (piece.file == nullptr) arena.retain(static_cast<uint32_t>(piece.position));
      slot->bytes += piece.length;
      if (slot->piece_count++ == 0) {
        slot->first = std::move(piece);
      } else {
        slot->others.push_back(std::move(piece));
      }
    }
  };

  std::unique_lock lock(connection->lock);
  if (slot->handle.load(std::memory_order_relaxed) != handle) return {};
  if (slot->state == Slot::State::kOpen) {
    if (pieces.size() > 1) {  // many pieces may take a while, and memory
      slot->state = Slot::State::kFilling;
      lock.unlock();
      fill();
      lock.lock();
    } else {
      fill();
    }
  } else if (slot->state != Slot::State::kOrphan) {
    return {};
  }

  if (slot->state == Slot::State::kOrphan) {  // the connection went away, perhaps just now
    lock.unlock();
    for (Piece& piece : pieces) piece.file.reset();
    SlotChain chain;
    chain.push(*slot);
    free(chain);
    drop_hold(*connection);
    return {.ok = true};
  }

  slot->state = outcome;
  connection->unsent_bytes += slot->bytes;
  const bool note = connection->settle(*slot) && connection->touched_by != batch;
  if (note) {
    ++connection->holds;
    if (connection->touched_by == nullptr) connection->touched_by = batch;
  }
  const uint64_t frame = slot->frame.exchange(Slot::kReleased, std::memory_order_acq_rel);
  lock.unlock();  // from here on the slot may be sent and free

  if (frame != Slot::kReleased) give_back(frame);
  return {.ok = true, .touched = note ? connection : nullptr};
}

Core::Answered Core::send(Connection& connection, uint32_t offset, uint32_t length, AnswerBatch* batch) {
  if (!connection.dialled || length == 0 || !charge_peer_frames(1)) return {};
  SlotChain chain = slots.take(1);
  Slot& slot = *chain.head;
  arena.retain(offset);
  slot.connection.store(&connection, std::memory_order_relaxed);
  slot.frame.store(Slot::kReleased, std::memory_order_relaxed);
  slot.first = Piece::arena(offset, length);
  slot.piece_count = 1;
  slot.bytes = length;

  std::unique_lock lock(connection.lock);
  if (connection.closed || connection.broken) {
    lock.unlock();
    slot.state = Slot::State::kAnswered;
    free(chain, true);
    return {};
  }
  slot.state = Slot::State::kAnswered;
  connection.push(chain);
  connection.unsent_bytes += length;
  const bool note = connection.settle(slot) && connection.touched_by != batch;
  if (note) {
    ++connection.holds;
    if (connection.touched_by == nullptr) connection.touched_by = batch;
  }
  return {.ok = true, .touched = note ? &connection : nullptr};
}

void Core::give_back(uint64_t frame) {
  arena.release(static_cast<uint32_t>(frame >> 32));
  queued_bytes_.fetch_sub(static_cast<uint32_t>(frame), std::memory_order_seq_cst);
  regained();
}

void Core::release_frame(Slot& slot) {
  const uint64_t frame = slot.frame.exchange(Slot::kReleased, std::memory_order_acq_rel);
  if (frame == Slot::kReleased) return;
  give_back(frame);
  if (static_cast<uint32_t>(frame) != Slot::kNoCharge) return;
  // Nobody answers an answer: with its frame the slot is done with.
  SlotChain chain;
  chain.push(slot);
  slots.give(chain);
  peer_frames_.fetch_sub(1, std::memory_order_relaxed);
}

void Core::charge(uint64_t bytes, uint32_t requests) {
  queued_bytes_.fetch_add(bytes, std::memory_order_seq_cst);
  requests_.fetch_add(requests, std::memory_order_seq_cst);
}

bool Core::charge_peer_frames(uint32_t count) {
  if (peer_frames_.fetch_add(count, std::memory_order_relaxed) + count <= kMostPeerFrames) return true;
  peer_frames_.fetch_sub(count, std::memory_order_relaxed);
  return false;
}

void Core::release_bytes(Slot& slot) {
  const uint64_t frame = slot.frame.exchange(Slot::kReleased, std::memory_order_acq_rel);
  if (frame != Slot::kReleased) {
    arena.release(static_cast<uint32_t>(frame >> 32));
    queued_bytes_.fetch_sub(static_cast<uint32_t>(frame), std::memory_order_seq_cst);
  }
  for (uint32_t i = 0; i < slot.piece_count; ++i) {
    Piece& piece = slot.piece(i);
    if (piece.file == nullptr) arena.release(static_cast<uint32_t>(piece.position));
    piece.file.reset();
  }
  slot.piece_count = 0;
  slot.others.clear();
  if (slot.others.capacity() > 64) slot.others.shrink_to_fit();
}

void Core::free(SlotChain chain, bool of_peer) {
  if (chain.count == 0) return;
  for (Slot* slot = chain.head; slot != nullptr; slot = slot->next) release_bytes(*slot);
  const uint32_t count = chain.count;
  slots.give(chain);
  (of_peer ? peer_frames_ : requests_).fetch_sub(count, std::memory_order_seq_cst);
  regained();
}

void Core::regained() {
  if (starving_.load(std::memory_order_seq_cst) == 0 || !has_room()) return;
  for (auto& thread : threads_) thread->nudge();
}

void Core::room_in_arena() {
  for (auto& thread : threads_) thread->arena_regained();
}

void Core::drop_hold(Connection& connection) {
  {
    const std::lock_guard lock(connection.lock);
    if (--connection.holds > 0) return;
  }
  connections.put(connection);
}

void Core::untouch(Connection& connection, AnswerBatch* batch) {
  {
    const std::lock_guard lock(connection.lock);
    if (connection.touched_by == batch) connection.touched_by = nullptr;
    if (--connection.holds > 0) return;
  }
  connections.put(connection);
}

void Core::finish(Connection& connection, int socket, SlotChain freed) {
  ::close(socket);
  const bool of_peer = connection.dialled;
  free(freed, of_peer);
  drop_hold(connection);
  if (of_peer) dialled.fetch_sub(1, std::memory_order_relaxed);
  open.fetch_sub(1, std::memory_order_release);
}

void Core::wake_main() {
  if (wake_pending_.exchange(true, std::memory_order_seq_cst)) return;
  counters.wakes.fetch_add(1, std::memory_order_relaxed);
  wake_();
}

ReactorStats Core::stats() const {
  ReactorStats sum;
  const auto read = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  sum.connections = open.load(std::memory_order_relaxed);
  sum.answers = read(counters.answers);
  sum.bytes_out = read(counters.bytes_out);
  sum.sends = read(counters.sends);
  sum.wakes = read(counters.wakes);
  sum.queued_bytes = queued_bytes_.load(std::memory_order_relaxed);
  for (const auto& thread : threads_) {
    const NetworkThread::Counters& mine = thread->counters();
    sum.accepted += read(mine.accepted);
    sum.requests += read(mine.requests);
    sum.bytes_in += read(mine.bytes_in);
    sum.receives += read(mine.receives);
    sum.waits += read(mine.waits);
  }
  return sum;
}

}  // namespace odradek::reactor

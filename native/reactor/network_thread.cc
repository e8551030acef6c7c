#include "reactor/network_thread.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "base/invariant.h"
#include "reactor/core.h"

namespace odradek::reactor {

using Outcome = IoResult::Outcome;

namespace {

constexpr int kAcceptsPerTurn = 128;          // then connections have their turn
constexpr int64_t kSilenceMs = 100;           // of a listener, when descriptors or memory are spent
constexpr size_t kEventsPerPublication = 64;  // within a round, so that the main isolate need not wait for its end
// Of a frame that is under way: from where on, and how much of it, is waited for.
constexpr uint32_t kLeastExpected = 64 * 1024;
constexpr uint32_t kMostExpected = 512 * 1024;
constexpr uint32_t kSlotsAtHand = 64;
// What a request counts beside its bytes, so that a flood of empty ones is counted too.
constexpr uint32_t kRequestOverhead = 128;

// A single writer needs no locked instruction.
void add(std::atomic<uint64_t>& counter, uint64_t count) {
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

}  // namespace

NetworkThread::NetworkThread(Core& core, Poller poller, uint32_t number)
    : core_(core), poller_(std::move(poller)), number_(number), sender_(core, true), slab_(core.arena) {}

NetworkThread::~NetworkThread() { join(); }

void NetworkThread::start() {
  thread_ = std::thread([this] { run(); });
}

void NetworkThread::join() {
  if (thread_.joinable()) thread_.join();
}

// ---- what other threads do ----

void NetworkThread::push_mail(Connection& connection) {
  Connection* first = mail_.load(std::memory_order_relaxed);
  do {
    connection.next_in_mailbox = first;
  } while (!mail_.compare_exchange_weak(first, &connection, std::memory_order_seq_cst, std::memory_order_relaxed));
}

void NetworkThread::nudge() {
  if (asleep_.exchange(false, std::memory_order_seq_cst)) poller_.wake();
}

void NetworkThread::arena_regained() {
  arena_has_room_.store(true, std::memory_order_seq_cst);
  nudge();
}

size_t NetworkThread::take_events(Event* out, size_t capacity) {
  size_t count = 0;
  while (count < capacity) {
    if (taken_from_ == taken_.size()) {
      taken_.clear();
      taken_from_ = 0;
      const std::lock_guard lock(outbox_mutex_);
      if (outbox_.empty()) break;
      taken_.swap(outbox_);
    }
    const size_t some = std::min(capacity - count, taken_.size() - taken_from_);
    std::copy_n(taken_.begin() + static_cast<ptrdiff_t>(taken_from_), some, out + count);
    taken_from_ += some;
    count += some;
  }
  return count;
}

// ---- the loop ----

void NetworkThread::run() {
  // sendfile has no MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  ::pthread_setname_np(::pthread_self(), ("odradek-net-" + std::to_string(number_)).c_str());

  while (!core_.closing.load(std::memory_order_seq_cst)) {
    // Says that it sleeps, then looks a last time: whoever brings work says so first and then looks whether it sleeps.
    asleep_.store(true, std::memory_order_seq_cst);
    const int timeout = has_work() ? 0 : sleep_ms();
    const std::span<const Poller::Ready> ready = poller_.wait(timeout);
    asleep_.store(false, std::memory_order_relaxed);

    const uint64_t now_ns = core_.clock.monotonic_ns();
    now_ms_ = static_cast<int64_t>(now_ns / 1'000'000);
    now_us_ = static_cast<uint32_t>(now_ns / 1'000) & 0x7fffffff;
    add(counters_.waits, 1);

    for (const Poller::Ready& one : ready) dispatch(one);
    read_mail();
    now_.swap(turns_);
    for (size_t i = 0; i < now_.size(); ++i) {
      Connection* const connection = now_[i];
      if (connection == nullptr) continue;
      connection->in_turns = false;
      flush(*connection);
      if (!connection->closed) turn(*connection, false, false);
    }
    now_.clear();
    serve_waiting();
    if (number_ == 0) core_.close_listeners_if_asked(false);
    if (now_ms_ >= next_sweep_ms_) sweep();
    publish();
  }
  shut_down();
}

bool NetworkThread::has_work() const {
  if (!turns_.empty() || mail_.load(std::memory_order_seq_cst) != nullptr) return true;
  if (core_.closing.load(std::memory_order_seq_cst)) return true;
  if (number_ == 0 && core_.asked_to_close_listeners()) return true;
  return (!waiting_.empty() || !waiting_peers_.empty()) && memory_may_be_had();
}

int NetworkThread::sleep_ms() const {
  const ReactorOptions& options = core_.options;
  const bool may_expire = options.connections_max_idle_ms >= 0 || (options.stalled_frame_ms >= 0 && !waiting_.empty());
  if ((all_.empty() || !may_expire) && silent_listeners_.empty()) return -1;
  return static_cast<int>(std::clamp<int64_t>(next_sweep_ms_ - now_ms_, 1, 1000));
}

void NetworkThread::shut_down() {
  if (number_ == 0) core_.close_listeners_if_asked(true);
  while (!all_.empty()) close(*all_.back(), CloseReason::kStopping);
  publish();
  core_.slots.give(hand_);
  hand_ = {};
  slab_.drop();
}

void NetworkThread::dispatch(const Poller::Ready& ready) {
  if ((ready.token & kListenerToken) != 0) {
    accept_from(static_cast<uint32_t>(ready.token));
    return;
  }
  // The event may be of a connection that was closed earlier in this round, even of an index in use again.
  Connection& connection = *core_.connections.at(static_cast<uint32_t>(ready.token));
  if (connection.token() != ready.token || connection.closed) return;
  if (connection.connecting) {
    if (!ready.writable) return;
    connected(connection);
    if (connection.closed) return;
  }
  if (ready.ended) connection.ended = true;
  if (ready.readable) connection.unread = true;
  turn(connection, ready.writable, ready.broken);
  if (events_.size() >= kEventsPerPublication) publish();
}

// ---- connections come ----

void NetworkThread::accept_from(uint32_t number) {
  const Core::Listener& listener = core_.listener(number);
  const int descriptor = listener.descriptor.get();
  for (int i = 0; i < kAcceptsPerTurn && descriptor >= 0; ++i) {
    Accepted accepted = accept_tcp(descriptor);
    switch (accepted.outcome) {
      case AcceptOutcome::kAccepted:
        restore_congestion(accepted.descriptor.get(), accepted.peer, listener.congestion);
        hand_out(std::move(accepted), listener.id);
        continue;
      case AcceptOutcome::kAborted:
        continue;
      case AcceptOutcome::kNoneWaiting:
        return;
      case AcceptOutcome::kExhausted:
      case AcceptOutcome::kBroken:
        // The listener would go on being ready, and this thread spin. sweep() listens again.
        static_cast<void>(poller_.silence_listener(descriptor, kListenerToken | number, true));
        silent_listeners_.push_back(number);
        next_sweep_ms_ = std::min(next_sweep_ms_, now_ms_ + kSilenceMs);
        return;
    }
  }
}

void NetworkThread::hand_out(Accepted accepted, uint32_t listener) {
  add(counters_.accepted, 1);
  core_.open.fetch_add(1, std::memory_order_relaxed);
  Connection& connection = core_.connections.take();
  NetworkThread& owner = core_.next_thread();
  {
    const std::lock_guard lock(connection.lock);
    connection.renew(owner, core_.tcp, listener, accepted.descriptor.take(), accepted.peer, core_.options.max_request_bytes);
    if (&owner != this) connection.post(Connection::kAdopt);
  }
  if (&owner == this) {
    adopt(connection);
  } else {
    owner.nudge();
  }
}

void NetworkThread::adopt(Connection& connection) {
  connection.place = static_cast<uint32_t>(all_.size());
  connection.last_active_ms = now_ms_;
  if (all_.empty()) next_sweep_ms_ = now_ms_;
  all_.push_back(&connection);
  connection.reader.reset(core_.arena, connection.dialled);
  if (connection.dialled) return dial(connection);
  events_.push_back({.kind = static_cast<uint32_t>(EventKind::kOpened), .connection = connection.index, .listener = connection.listener});
  // What has arrived already is reported as if it came now.
  if (!poller_.watch(connection.socket, connection.token()).ok()) return close(connection, CloseReason::kTooMany);
  const uint32_t dialled = core_.dialled.load(std::memory_order_relaxed);
  if (core_.open.load(std::memory_order_relaxed) > uint64_t{core_.options.max_connections} + dialled) close_longest_idle(connection);
}

void NetworkThread::read_mail() {
  Connection* connection = mail_.exchange(nullptr, std::memory_order_seq_cst);
  Connection* oldest = nullptr;
  while (connection != nullptr) {
    Connection* const next = connection->next_in_mailbox;
    connection->next_in_mailbox = oldest;
    oldest = connection;
    connection = next;
  }
  while (oldest != nullptr) {
    Connection& one = *oldest;
    oldest = one.next_in_mailbox;  // before it may be posted again
    uint8_t todo;
    CloseReason reason;
    {
      const std::lock_guard lock(one.lock);
      todo = one.todo;
      reason = one.reason;
      one.todo = 0;
      one.posted = false;
    }
    do_mail(one, todo, reason);
    core_.drop_hold(one);
  }
}

void NetworkThread::do_mail(Connection& connection, uint8_t todo, CloseReason reason) {
  if ((todo & Connection::kAdopt) != 0) adopt(connection);
  if (connection.closed) return;
  if ((todo & Connection::kClose) != 0) return close(connection, reason);
  if ((todo & (Connection::kFlush | Connection::kWarmed)) != 0) {
    {
      const std::lock_guard lock(connection.lock);
      if ((todo & Connection::kWarmed) != 0 && connection.state == Connection::Sending::kWarming) {
        connection.state = Connection::Sending::kIdle;
        connection.assumed_warm = connection.warming_bytes;
      }
      if ((todo & Connection::kFlush) != 0 && connection.state == Connection::Sending::kHandedOver) {
        connection.state = Connection::Sending::kIdle;
      }
    }
    flush(connection);
  }
  if ((todo & Connection::kRead) != 0) turn(connection, false, false);
}

void NetworkThread::drop_mail() {
  for (Connection* connection = mail_.exchange(nullptr); connection != nullptr;) {
    Connection& one = *connection;
    connection = one.next_in_mailbox;
    std::optional<int> socket;
    SlotChain none;
    {
      const std::lock_guard lock(one.lock);
      one.posted = false;
      if ((one.todo & Connection::kAdopt) != 0) {
        one.closed = true;
        socket = one.dispose(none);
        // No `opened` was reported, so no `closed` will be. But whoever dialled knows of it.
        if (one.dialled) tell_closed(one, CloseReason::kStopping);
        else --one.holds;
      }
      one.todo = 0;
    }
    if (socket) core_.finish(one, *socket, none);
    core_.drop_hold(one);
  }
  publish();
}

// ---- reading ----

void NetworkThread::turn(Connection& connection, bool room_to_send, bool broken) {
  bool send = false;
  bool held = false;
  {
    const std::lock_guard lock(connection.lock);
    if (room_to_send) {
      if (connection.sending) {
        connection.room_seen = true;
      } else if (connection.state == Connection::Sending::kBlocked) {
        connection.state = Connection::Sending::kIdle;
        send = true;
      }
    }
    if (connection.unread && !connection.may_read(core_.options.max_in_flight, core_.options.max_queued_response_bytes, false)) {
      connection.read_held = held = true;
    }
  }
  if (send) flush(connection);
  if (!connection.unread) return;
  // Reset: nobody waits for the answers that hold up its reading.
  if (held && broken) return close(connection, CloseReason::kPeer);
  if (!held) read(connection);
}

// One receive. Others have their turn before the next.
void NetworkThread::read(Connection& connection) {
  if (connection.in_waiting) return;
  if (!connection.shaken) {
    const IoResult shaken = connection.transport->handshake(connection.socket);
    if (shaken.outcome == Outcome::kWouldBlock) {
      connection.unread = false;
      return;
    }
    if (shaken.outcome != Outcome::kMoved) return close(connection, CloseReason::kPeer);
    connection.shaken = true;
  }
  if (!connection.reader.has_block() && !may_receive(connection)) return wait_for_memory(connection);
  const FrameReader::Room room = connection.reader.room(core_.arena, slab_);
  if (room.count == 0) {
    arena_short_ = true;
    if (!connection.reader.wants_block()) slab_short_ = true;
    return wait_for_memory(connection);
  }

  add(counters_.receives, 1);
  const IoResult received = connection.transport->receive(connection.socket, {room.pieces, room.count});
  if (received.outcome == Outcome::kWouldBlock) {
    connection.unread = false;
    return;
  }
  if (received.outcome != Outcome::kMoved) {
    if (received.outcome == Outcome::kFailed) connection.error = errno;
    return close(connection, CloseReason::kPeer);
  }
  add(counters_.bytes_in, received.bytes);
  connection.last_active_ms = now_ms_;
  const bool sane = connection.reader.received(core_.arena, slab_, received.bytes, connection.max_frame, frames_);
  if (!frames_.empty() && !announce(connection)) return close(connection, CloseReason::kUnasked);
  if (!sane) return close(connection, CloseReason::kRefused);
  // Fewer bytes than there was room for: the socket is empty, and an edge tells of the next. An end of stream has told
  // of itself already, so it is read up to.
  connection.unread = received.bytes == room.bytes || connection.ended;
  if (connection.unread) {
    take_turn_later(connection);
  } else {
    expect_rest(connection);
  }
}

// While a long frame is on its way fast, being woken for every packet of it costs more than receiving them.
void NetworkThread::expect_rest(Connection& connection) {
  const uint32_t missing = connection.reader.missing();
  const uint32_t bytes = missing > kLeastExpected ? std::min(missing, kMostExpected) : 1;
  if (bytes != connection.expected) expect(connection, bytes);
}

void NetworkThread::expect(Connection& connection, uint32_t bytes) {
  connection.expected = bytes;
  connection.transport->expect(connection.socket, bytes);
}

// False: a peer has sent more answers than anybody asks for; they are dropped.
bool NetworkThread::announce(Connection& connection) {
  const uint32_t count = static_cast<uint32_t>(frames_.size());
  if (connection.dialled && !core_.charge_peer_frames(count)) {
    for (const Frame& frame : frames_) core_.arena.release(frame.in_block());
    frames_.clear();
    return false;
  }
  if (hand_.count < count) hand_.append(core_.slots.take(std::max(kSlotsAtHand, count - hand_.count)));
  INVARIANT(hand_.count >= count);  // has_room() leaves slots for one receive of every thread

  const bool asked_for = connection.dialled;
  uint64_t charge = 0;
  SlotChain chain;
  for (const Frame& frame : frames_) {
    Slot& slot = hand_.take_first();
    const uint32_t cost = asked_for ? Slot::kNoCharge : frame.length + kRequestOverhead;
    slot.connection.store(&connection, std::memory_order_relaxed);
    slot.frame.store(Slot::frame_of(frame.in_block(), cost), std::memory_order_relaxed);
    slot.state = asked_for ? Slot::State::kHeld : Slot::State::kOpen;
    if (!asked_for) chain.push(slot);
    charge += cost;
    events_.push_back({.kind = static_cast<uint32_t>(asked_for ? EventKind::kAnswer : EventKind::kRequest),
                       .slot = slot.handle.load(std::memory_order_relaxed),
                       .connection = connection.index,
                       .offset = frame.offset,
                       .length = frame.length,
                       .listener = connection.listener,
                       .queued_us = now_us_});  // poll() makes it a duration
  }
  frames_.clear();
  if (asked_for) return true;
  core_.charge(charge, count);
  add(counters_.requests, count);
  const std::lock_guard lock(connection.lock);
  connection.push(chain);
  return true;
}

void NetworkThread::flush(Connection& connection) {
  if (sender_.flush(connection)) take_turn_later(connection);
}

void NetworkThread::take_turn_later(Connection& connection) {
  if (connection.in_turns) return;
  connection.in_turns = true;
  turns_.push_back(&connection);
}

void NetworkThread::wait_for_memory(Connection& connection) {
  if (connection.in_waiting) return;
  connection.in_waiting = true;
  (connection.dialled ? waiting_peers_ : waiting_).push_back(&connection);
  if (starving_) return;
  starving_ = true;
  core_.count_starving(1);  // before has_work() looks at the budget for the last time
}

// What was asked for is never kept waiting by the budget of requests.
bool NetworkThread::may_receive(const Connection& connection) const { return connection.dialled || core_.has_room(); }

bool NetworkThread::memory_may_be_had() const {
  return (core_.has_room() || !waiting_peers_.empty()) && (!arena_short_ || arena_has_room_.load(std::memory_order_seq_cst));
}

void NetworkThread::serve_waiting() {
  if (!starving_) return;
  // The flag goes down before leasing is tried again, so that room made after a failure leaves it up.
  if (arena_short_ && arena_has_room_.exchange(false, std::memory_order_seq_cst)) arena_short_ = false;
  if (arena_short_) return;
  // One that needs a long block and finds none must not keep those behind it from a slab.
  slab_short_ = false;
  serve_waiting_peers();
  const size_t before = waiting_.size();
  size_t served = 0;
  for (; served < before && core_.has_room() && !slab_short_; ++served) {
    Connection* const connection = waiting_[served];
    if (connection == nullptr) continue;
    connection->in_waiting = false;
    turn(*connection, false, false);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(served));
  if (!waiting_.empty() || !waiting_peers_.empty()) return;
  starving_ = false;
  core_.count_starving(-1);
}

void NetworkThread::publish() {
  if (events_.empty()) return;
  {
    const std::lock_guard lock(outbox_mutex_);
    outbox_.insert(outbox_.end(), events_.begin(), events_.end());
  }
  events_.clear();
  core_.wake_main();
}

}  // namespace odradek::reactor

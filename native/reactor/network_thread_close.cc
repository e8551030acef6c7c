// How connections go: closed by either side, or swept away for their silence.
#include <algorithm>
#include <optional>

#include "reactor/core.h"
#include "reactor/network_thread.h"

namespace odradek::reactor {

namespace {

constexpr int64_t kStillnessMs = 100;  // of a frame that came fast

void forget(std::vector<Connection*>& list, Connection& connection) {
  std::replace(list.begin(), list.end(), &connection, static_cast<Connection*>(nullptr));
}

}  // namespace

void NetworkThread::close(Connection& connection, CloseReason reason) {
  SlotChain freed;
  std::optional<int> socket;
  {
    const std::lock_guard lock(connection.lock);
    if (connection.closed) return;
    connection.closed = true;
    if (!connection.sending) socket = connection.dispose(freed);  // else whoever sends does
  }
  all_[connection.place] = all_.back();
  all_[connection.place]->place = connection.place;
  all_.pop_back();
  if (connection.in_turns) {
    forget(turns_, connection);
    forget(now_, connection);
  }
  if (connection.in_waiting) forget(connection.dialled ? waiting_peers_ : waiting_, connection);
  connection.reader.reset(core_.arena);
  tell_closed(connection, reason);
  if (socket) core_.finish(connection, *socket, freed);
}

void NetworkThread::tell_closed(const Connection& connection, CloseReason reason) {
  events_.push_back({.kind = static_cast<uint32_t>(EventKind::kClosed),
                     .slot = static_cast<uint32_t>(reason),
                     .connection = connection.index,
                     .offset = static_cast<uint32_t>(connection.error),
                     .listener = connection.listener});
}

bool NetworkThread::is_busy(Connection& connection) {
  const std::lock_guard lock(connection.lock);
  if (connection.active) connection.last_active_ms = now_ms_;
  connection.active = false;
  return connection.in_flight > 0;
}

void NetworkThread::sweep() {
  const ReactorOptions& options = core_.options;
  for (const uint32_t number : silent_listeners_) {
    const int descriptor = core_.listener(number).descriptor.get();
    if (descriptor >= 0) static_cast<void>(poller_.silence_listener(descriptor, kListenerToken | number, false));
  }
  silent_listeners_.clear();

  const bool others_wait = !waiting_.empty();
  Connection* longest_stalled = nullptr;
  bool memory_comes = false;
  for (size_t i = all_.size(); i-- > 0;) {  // backwards: close() puts the last one in the place of the closed one
    Connection& connection = *all_[i];
    const bool busy = is_busy(connection);
    const int64_t silent_ms = now_ms_ - connection.last_active_ms;
    const bool stalled = others_wait && options.stalled_frame_ms >= 0 && silent_ms > options.stalled_frame_ms;
    if (connection.in_waiting || connection.unread) {
      // While we do not read it, its silence says nothing. But two that each wait for the other's block wait for ever.
      if (stalled && connection.in_waiting && connection.reader.owns_block() &&
          (longest_stalled == nullptr || connection.last_active_ms < longest_stalled->last_active_ms)) {
        longest_stalled = &connection;
      }
    } else if (connection.expected > 1 && silent_ms > kStillnessMs) {
      // Slower than was expected. From now on every byte that comes, or is there already, shows that it is alive.
      expect(connection, 1);
    } else if (connection.dialled) {
      // Whoever dialled knows how long it waits.
    } else if (stalled && connection.reader.midway()) {
      memory_comes = true;
      close(connection, CloseReason::kStalled);
    } else if (!busy && options.connections_max_idle_ms >= 0 && silent_ms > options.connections_max_idle_ms) {
      close(connection, CloseReason::kIdle);
    }
  }
  if (longest_stalled != nullptr && !memory_comes) close(*longest_stalled, CloseReason::kStalled);
  const auto or_never = [](int64_t ms) { return ms >= 0 ? ms : INT64_MAX; };
  const int64_t shortest = std::min(or_never(options.connections_max_idle_ms), or_never(options.stalled_frame_ms));
  next_sweep_ms_ = now_ms_ + std::clamp<int64_t>(shortest / 4, 10, 1000);
}

void NetworkThread::close_longest_idle(Connection& newest) {
  Connection* longest = nullptr;
  for (Connection* connection : all_) {
    if (connection == &newest || connection->dialled || is_busy(*connection)) continue;
    if (longest == nullptr || connection->last_active_ms < longest->last_active_ms) longest = connection;
  }
  close(longest != nullptr ? *longest : newest, CloseReason::kTooMany);
}

}  // namespace odradek::reactor

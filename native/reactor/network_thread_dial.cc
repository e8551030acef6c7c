// Connections that we dial: how they come to be, and how they are read when memory was short.
#include "reactor/core.h"
#include "reactor/network_thread.h"

namespace odradek::reactor {

void NetworkThread::dial(Connection& connection) {
  connection.connecting = true;
  connection.error = connect_tcp(connection.socket, connection.peer);
  if (connection.error != 0) return close(connection, CloseReason::kUnreachable);
  restore_congestion(connection.socket, connection.peer, connection.congestion);
  // Also one that stands already is told of: it has room to send.
  if (!poller_.watch(connection.socket, connection.token()).ok()) close(connection, CloseReason::kTooMany);
}

void NetworkThread::connected(Connection& connection) {
  connection.connecting = false;
  connection.error = connect_error(connection.socket);
  if (connection.error != 0) return close(connection, CloseReason::kUnreachable);
  events_.push_back({.kind = static_cast<uint32_t>(EventKind::kConnected), .connection = connection.index});
  {
    const std::lock_guard lock(connection.lock);
    connection.state = Connection::Sending::kIdle;
  }
  flush(connection);
}

void NetworkThread::serve_waiting_peers() {
  const size_t before = waiting_peers_.size();
  size_t served = 0;
  for (; served < before && !slab_short_; ++served) {
    Connection* const connection = waiting_peers_[served];
    if (connection == nullptr) continue;
    connection->in_waiting = false;
    turn(*connection, false, false);
  }
  waiting_peers_.erase(waiting_peers_.begin(), waiting_peers_.begin() + static_cast<ptrdiff_t>(served));
}

}  // namespace odradek::reactor

#include "reactor/transport.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>

namespace odradek::reactor {

using Outcome = IoResult::Outcome;

namespace {

IoResult result_of(ssize_t moved) {
  if (moved > 0) return {Outcome::kMoved, static_cast<size_t>(moved)};
  if (moved == 0) return {Outcome::kEnd, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {Outcome::kWouldBlock, 0};
  return {Outcome::kFailed, 0};
}

}  // namespace

IoResult TcpTransport::handshake(int) { return {Outcome::kMoved, 0}; }

IoResult TcpTransport::receive(int socket, std::span<const iovec> pieces) {
  ssize_t received;
  do {
    if (pieces.size() == 1) {
      received = ::recv(socket, pieces[0].iov_base, pieces[0].iov_len, MSG_DONTWAIT);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      received = ::recvmsg(socket, &message, MSG_DONTWAIT);
    }
  } while (received < 0 && errno == EINTR);
  return result_of(received);
}

// The kernel tells of less where the receive buffer could not hold as much.
void TcpTransport::expect(int socket, uint32_t bytes) {
  const int low_water = static_cast<int>(bytes);
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water));
}

IoResult TcpTransport::send(int socket, std::span<const iovec> pieces, bool more) {
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
  ssize_t sent;
  do {
    if (pieces.size() == 1) {
      sent = ::send(socket, pieces[0].iov_base, pieces[0].iov_len, flags);
    } else {
      msghdr message{};
      message.msg_iov = const_cast<iovec*>(pieces.data());
      message.msg_iovlen = pieces.size();
      sent = ::sendmsg(socket, &message, flags);
    }
  } while (sent < 0 && errno == EINTR);
  return result_of(sent);
}

// What fails here may be the file's fault or the socket's. The difference matters only for telling why the connection
// ended: EIO and its kin come from files.
IoResult TcpTransport::send_file(int socket, FileHandle& file, uint64_t position, size_t length) {
  off_t from = static_cast<off_t>(position);
  ssize_t sent;
  do {
    sent = ::sendfile(socket, file.descriptor(), &from, length);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EIO || errno == EINVAL || errno == EBADF || errno == ENOMEM)) return {Outcome::kFileFailed, 0};
  return result_of(sent);
}

}  // namespace odradek::reactor

#include "base/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace odradek {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (number_ >= 0) ::close(number_);
  number_ = std::exchange(other.number_, -1);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (any.sa_family == AF_INET6) {
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
  }
  return text;
}

bool SocketAddress::is_loopback() const {
  constexpr uint8_t kLoopbackNet = 127;
  if (any.sa_family == AF_INET) return ntohl(v4.sin_addr.s_addr) >> 24 == kLoopbackNet;
  if (any.sa_family != AF_INET6) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == kLoopbackNet);
}

uint16_t SocketAddress::port() const {
  if (any.sa_family == AF_INET) return ntohs(v4.sin_port);
  if (any.sa_family == AF_INET6) return ntohs(v6.sin6_port);
  return 0;
}

namespace {

Status set(int socket, int level, int name, int value, const char* what) {
  if (::setsockopt(socket, level, name, &value, sizeof value) == 0) return Status::success();
  return Status::from_errno(errno, what);
}

Status configure(int socket, int family, const ListenOptions& options) {
  Status status = set(socket, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (status.ok() && family == AF_INET6) {
    status = set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY");  // matters for the wildcard only
  }
  if (status.ok()) status = set(socket, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  if (status.ok()) status = set(socket, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
  if (status.ok() && options.send_buffer_bytes >= 0) {
    status = set(socket, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes, "SO_SNDBUF");
  }
  if (status.ok() && options.receive_buffer_bytes >= 0) {
    status = set(socket, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes, "SO_RCVBUF");
  }
  return status;
}

Result<ListeningSocket> listen_on(const addrinfo& address, const ListenOptions& options) {
  Descriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) return Status::from_errno(errno, "socket");
  if (Status status = configure(socket.get(), address.ai_family, options); !status.ok()) return status;
  std::string congestion = avoid_pacing(socket.get());
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return Status::from_errno(errno, "bind");
  if (::listen(socket.get(), static_cast<int>(options.backlog)) != 0) return Status::from_errno(errno, "listen");
  SocketAddress bound;
  socklen_t length = sizeof bound;
  if (::getsockname(socket.get(), &bound.any, &length) != 0) return Status::from_errno(errno, "getsockname");
  return ListeningSocket{std::move(socket), bound.port(), std::move(congestion)};
}

}  // namespace

Result<ListeningSocket> listen_tcp(const std::string& host, uint16_t port, const ListenOptions& options) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // Without a host: the IPv6 wildcard takes IPv4 along; a system without IPv6 refuses it, and IPv4's comes second.
  const std::string service = std::to_string(port);
  const int failed = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (failed != 0) return Status(Code::kInvalidArgument, 0, "cannot resolve " + host + ": " + ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);

  Status refused(Code::kInvalidArgument, 0, "no address for " + host);
  for (const int family : {AF_INET6, AF_INET}) {
    if (!host.empty() && family == AF_INET) break;  // a name's addresses are tried in the resolver's order
    for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
      if (host.empty() && address->ai_family != family) continue;
      Result<ListeningSocket> listening = listen_on(*address, options);
      if (listening.ok()) return listening;
      refused = listening.status();
      // Another process has it: falling back to the other family would only hide that.
      if (refused.code() == Code::kAddressInUse) return refused;
    }
  }
  return refused;
}

Result<SocketAddress> numeric_address(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (failed != 0) return Status(Code::kInvalidArgument, 0, "no numeric address: " + host);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  SocketAddress address;
  if (found->ai_addrlen > sizeof address.v6) return Status(Code::kInvalidArgument, 0, "no address of the internet: " + host);
  std::memcpy(&address.v6, found->ai_addr, found->ai_addrlen);
  return address;
}

Result<DialledSocket> dialling_socket(const SocketAddress& to, int32_t receive_buffer_bytes) {
  Descriptor socket(::socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) return Status::from_errno(errno, "socket");
  Status status = set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");
  if (status.ok()) status = set(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
  if (status.ok() && receive_buffer_bytes >= 0) status = set(socket.get(), SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes, "SO_RCVBUF");
  if (!status.ok()) return status;
  std::string congestion = avoid_pacing(socket.get());
  return DialledSocket{std::move(socket), std::move(congestion)};
}

int connect_tcp(int socket, const SocketAddress& to) {
  const socklen_t length = to.any.sa_family == AF_INET ? sizeof to.v4 : sizeof to.v6;
  // Interrupted, it goes on by itself.
  if (::connect(socket, &to.any, length) == 0 || errno == EINPROGRESS || errno == EINTR) return 0;
  return errno;
}

int connect_error(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

Accepted accept_tcp(int listener) {
  Accepted accepted;
  socklen_t length = sizeof accepted.peer;
  accepted.descriptor = Descriptor(::accept4(listener, &accepted.peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted.descriptor) {
    accepted.outcome = AcceptOutcome::kAccepted;
    return accepted;
  }
  switch (errno) {
    case EAGAIN: accepted.outcome = AcceptOutcome::kNoneWaiting; break;
    case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM: accepted.outcome = AcceptOutcome::kExhausted; break;
    case EBADF: case EINVAL: case ENOTSOCK: case EOPNOTSUPP: accepted.outcome = AcceptOutcome::kBroken; break;
    default: accepted.outcome = AcceptOutcome::kAborted;  // accept(2) passes on the errors of the new socket
  }
  return accepted;
}

}  // namespace odradek

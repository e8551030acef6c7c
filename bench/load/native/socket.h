// TCP sockets: opened, closed, and failures turned into exceptions that name what was tried.
#pragma once

#include <netinet/in.h>

#include <string>

namespace load {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept;

  int fd() const { return fd_; }
  void close();

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_in in{};
  std::string text;
};

/// "host:port", resolved to IPv4.
Address resolve(const std::string& host_and_port);

/// Connected, blocking, without Nagle's delay.
Socket connect_to(const Address& address);

/// Not blocking; the connection is under way, and EPOLLOUT tells when it stands.
Socket begin_connect(const Address& address);

void set_nonblocking(int fd);

/// Throws std::system_error with errno.
[[noreturn]] void fail(const std::string& what);

}  // namespace load

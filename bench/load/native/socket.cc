#include "socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace load {
namespace {

Socket open_socket(int flags) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (socket.fd() < 0) fail("socket");
  const int on = 1;
  if (setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
  return socket;
}

int begin(const Socket& socket, const Address& address) {
  return ::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address.in), sizeof address.in);
}

}  // namespace

void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

Socket::~Socket() { close(); }

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

void Socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Address resolve(const std::string& host_and_port) {
  const size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("not host:port: " + host_and_port);
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = host_and_port.substr(0, colon);
  if (const int error = getaddrinfo(host.c_str(), host_and_port.c_str() + colon + 1, &hints, &found); error != 0) {
    throw std::runtime_error(host_and_port + ": " + gai_strerror(error));
  }
  Address address;
  std::memcpy(&address.in, found->ai_addr, sizeof address.in);
  address.text = host_and_port;
  freeaddrinfo(found);
  return address;
}

Socket connect_to(const Address& address) {
  Socket socket = open_socket(0);
  if (begin(socket, address) != 0) fail("connect to " + address.text);
  return socket;
}

Socket begin_connect(const Address& address) {
  Socket socket = open_socket(SOCK_NONBLOCK);
  if (begin(socket, address) != 0 && errno != EINPROGRESS) fail("connect to " + address.text);
  return socket;
}

void set_nonblocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) fail("O_NONBLOCK");
}

}  // namespace load

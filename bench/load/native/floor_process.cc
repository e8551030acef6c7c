#include "floor_process.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

namespace load {
namespace {

Socket listen_on_loopback() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // The floor paces no more than Odradek does (native/base/congestion.h).
  constexpr char kUnpaced[] = "reno";
  if (socket.fd() >= 0) static_cast<void>(::setsockopt(socket.fd(), IPPROTO_TCP, TCP_CONGESTION, kUnpaced, sizeof kUnpaced - 1));
  if (socket.fd() < 0 || ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(socket.fd(), 128) != 0) fail("listen");
  return socket;
}

std::string own_address(const Socket& socket) {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) fail("getsockname");
  return "127.0.0.1:" + std::to_string(ntohs(bound.sin_port));
}

}  // namespace

FloorServer::~FloorServer() {
  if (pid == 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

FloorServer in_child(const std::function<void(Socket listener)>& serve) {
  Socket listener = listen_on_loopback();
  FloorServer server;
  server.address = resolve(own_address(listener));
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      serve(std::move(listener));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "floor server: %s\n", error.what());
    }
    ::_exit(1);
  }
  server.pid = pid;
  return server;
}

Socket scratch_file(const std::string& dir) {
  Socket file(::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.fd() < 0) fail("a scratch file in " + dir);
  return file;
}

}  // namespace load

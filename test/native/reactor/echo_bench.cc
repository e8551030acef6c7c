// Question: what does the reactor alone add to a request, beside the two system calls that it cannot do without?
// Bound: one recv and one sendmsg on loopback (about 1.2 us and 5 us here, most of the second spent in the receiver's
// protocol stack), one epoll_wait for as many events as there are.
//
// One thread plays the main isolate and answers every frame with its own bytes; another plays all clients. CPU is the
// process's (getrusage) less the client thread's.
//
// usage: echo_bench [requests per run]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/arena.h"
#include "base/byte_order.h"
#include "base/clock.h"
#include "base/invariant.h"
#include "reactor/reactor.h"

using namespace odradek;

namespace {

constexpr uint32_t kFrame = 100;  // without its size

double cpu_us(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Stands for the main isolate: sleeps until woken, drains, answers, sends once per drain.
class EchoServer {
 public:
  explicit EchoServer(uint32_t network_threads) {
    arena_ = *Arena::reserve({});
    Reactor::Options options;
    options.network_threads = network_threads;
    reactor_ = *Reactor::start(options, *arena_, clock_, nullptr, [this] { wake(); });
    port = *reactor_->listen(0, "127.0.0.1", 0);
    main_ = std::thread([this] { run(); });
  }
  ~EchoServer() {
    stop_ = true;
    wake();
    main_.join();
    reactor_->close();
  }
  ReactorStats stats() const { return reactor_->stats(); }
  std::atomic<uint64_t> opened{0};
  uint16_t port = 0;

 private:
  void wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    wake_up_.notify_one();
  }
  void run() {
    std::vector<Event> events(1024);
    AnswerBatch batch(*reactor_);
    while (!stop_) {
      {
        std::unique_lock lock(mutex_);
        wake_up_.wait(lock, [this] { return woken_; });
        woken_ = false;
      }
      for (size_t count = events.size(); count == events.size();) {
        count = reactor_->poll(events.data(), events.size());
        for (size_t i = 0; i < count; ++i) {
          const Event& event = events[i];
          if (event.kind == static_cast<uint32_t>(EventKind::kOpened)) ++opened;
          if (event.kind == static_cast<uint32_t>(EventKind::kRequest)) batch.add(event.slot, event.offset - 4, event.length + 4);
        }
        batch.send();
      }
    }
  }

  SystemClock clock_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Reactor> reactor_;
  std::mutex mutex_;
  std::condition_variable wake_up_;
  bool woken_ = false;
  std::atomic<bool> stop_{false};
  std::thread main_;
};

int dial(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket < 0 || ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

std::vector<uint8_t> request() {
  std::vector<uint8_t> bytes(kFrame + 4, 7);
  store_i32(bytes.data(), kFrame);
  return bytes;
}

void report(const char* what, uint64_t requests, double elapsed, double server_us, const ReactorStats& before,
            const ReactorStats& after) {
  const double n = static_cast<double>(requests);
  std::printf("%-28s %9.0f req/s  server CPU %5.2f us/req  per request: %.3f recv %.3f send %.3f epoll %.3f wake\n", what,
              n / elapsed, server_us / n, static_cast<double>(after.receives - before.receives) / n,
              static_cast<double>(after.sends - before.sends) / n, static_cast<double>(after.waits - before.waits) / n,
              static_cast<double>(after.wakes - before.wakes) / n);
}

// `connections` clients, each with one request in flight, all played by one thread.
void ping_pong(EchoServer& server, const char* what, int connections, uint64_t requests) {
  const int epoll = ::epoll_create1(0);
  std::vector<int> sockets;
  for (int i = 0; i < connections; ++i) {
    sockets.push_back(dial(server.port));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = sockets.back();
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, sockets.back(), &event);
  }
  const std::vector<uint8_t> bytes = request();
  uint8_t answer[4096];
  const ReactorStats before = server.stats();
  const double process = cpu_us(RUSAGE_SELF), client = cpu_us(RUSAGE_THREAD), start = seconds();
  uint64_t sent = 0, received = 0;
  for (const int socket : sockets) sent += ::send(socket, bytes.data(), bytes.size(), 0) > 0;
  while (received < requests) {
    epoll_event events[64];
    const int ready = ::epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      if (::recv(events[i].data.fd, answer, sizeof answer, 0) != static_cast<ssize_t>(bytes.size())) std::abort();
      ++received;
      if (sent < requests) sent += ::send(events[i].data.fd, bytes.data(), bytes.size(), 0) > 0;
    }
  }
  const double elapsed = seconds() - start;
  const double server_us = (cpu_us(RUSAGE_SELF) - process) - (cpu_us(RUSAGE_THREAD) - client);
  report(what, received, elapsed, server_us, before, server.stats());
  for (const int socket : sockets) ::close(socket);
  ::close(epoll);
}

// One connection that never waits: as many requests in flight as fit the window.
void pipelined(EchoServer& server, uint64_t requests, uint64_t window) {
  const int socket = dial(server.port);
  const std::vector<uint8_t> one = request();
  std::vector<uint8_t> many;
  for (int i = 0; i < 64; ++i) many.insert(many.end(), one.begin(), one.end());
  std::vector<uint8_t> answers(1 << 20);
  const ReactorStats before = server.stats();
  const double process = cpu_us(RUSAGE_SELF), client = cpu_us(RUSAGE_THREAD), start = seconds();
  uint64_t sent = 0, received = 0;  // bytes
  const uint64_t all = requests * one.size();
  while (received < all) {
    while (sent < all && sent - received < window * one.size()) {
      // A client writes what it has gathered, a few requests at a time.
      const size_t some = std::min<uint64_t>(many.size(), all - sent);
      const ssize_t n = ::send(socket, many.data() + sent % one.size(), std::min(some, many.size() - sent % one.size()), 0);
      if (n <= 0) std::abort();
      sent += static_cast<uint64_t>(n);
    }
    const ssize_t n = ::recv(socket, answers.data(), answers.size(), 0);
    if (n <= 0) std::abort();
    received += static_cast<uint64_t>(n);
  }
  const double elapsed = seconds() - start;
  const double server_us = (cpu_us(RUSAGE_SELF) - process) - (cpu_us(RUSAGE_THREAD) - client);
  report("1 connection, pipelined", requests, elapsed, server_us, before, server.stats());
  ::close(socket);
}

// Large frames one way and back: bytes per second and CPU per GB.
void bulk(EchoServer& server, uint32_t frame, uint64_t frames) {
  const int socket = dial(server.port);
  std::vector<uint8_t> bytes(frame + 4, 1);
  store_i32(bytes.data(), static_cast<int32_t>(frame));
  const ReactorStats before = server.stats();
  const double process = cpu_us(RUSAGE_SELF), start = seconds();
  double clients = 0;
  std::thread writer([&] {
    const double mine = cpu_us(RUSAGE_THREAD);
    for (uint64_t i = 0; i < frames; ++i) {
      for (size_t at = 0; at < bytes.size();) at += static_cast<size_t>(::send(socket, bytes.data() + at, bytes.size() - at, 0));
    }
    clients = cpu_us(RUSAGE_THREAD) - mine;
  });
  const double mine = cpu_us(RUSAGE_THREAD);
  std::vector<uint8_t> answers(1 << 20);
  for (uint64_t left = frames * bytes.size(); left > 0;) left -= static_cast<uint64_t>(::recv(socket, answers.data(), answers.size(), 0));
  writer.join();
  clients += cpu_us(RUSAGE_THREAD) - mine;
  const double gb = static_cast<double>(frames) * frame / 1e9;
  const double elapsed = seconds() - start;
  std::printf("%-28s %9.2f GB/s   server CPU %5.2f s/GB in and out\n", ("frames of " + std::to_string(frame)).c_str(), gb / elapsed,
              (cpu_us(RUSAGE_SELF) - process - clients) / 1e6 / gb);
  report("", frames, elapsed, cpu_us(RUSAGE_SELF) - process - clients, before, server.stats());
  ::close(socket);
}

void storm(EchoServer& server, size_t connections) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  connections = std::min<size_t>(connections, files.rlim_cur / 2 - 100);
  const uint64_t before = server.opened;
  const double start = seconds(), cpu = cpu_us(RUSAGE_SELF), client = cpu_us(RUSAGE_THREAD);
  std::vector<int> sockets;
  for (size_t i = 0; i < connections; ++i) sockets.push_back(dial(server.port));
  while (server.opened - before < connections) std::this_thread::yield();
  std::printf("%zu connections opened in    %6.0f ms, server CPU %.1f us each\n", connections, (seconds() - start) * 1e3,
              (cpu_us(RUSAGE_SELF) - cpu - (cpu_us(RUSAGE_THREAD) - client)) / static_cast<double>(connections));
  for (const int socket : sockets) ::close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t requests = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300'000;
  const uint32_t threads = argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 1;
  EchoServer server(threads);
  ping_pong(server, "1 connection, 1 in flight", 1, requests / 10);
  ping_pong(server, "32 connections, 1 in flight", 32, requests);
  pipelined(server, requests * 4, 1000);
  bulk(server, 1 << 20, std::max<uint64_t>(requests / 300, 10));
  bulk(server, 64 << 10, std::max<uint64_t>(requests / 30, 10));
  storm(server, requests >= 100'000 ? 5000 : 100);
}

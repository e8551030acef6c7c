#include "base/poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace odradek {

namespace {

Status control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll, operation, descriptor, &event) != 0) return Status::from_errno(errno, "epoll_ctl");
  return Status::success();
}

}  // namespace

Result<Poller> Poller::open() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return Status::from_errno(errno, "epoll_create1");
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) {
    const Status failed = Status::from_errno(errno, "eventfd");
    ::close(epoll);
    return failed;
  }
  Poller poller(epoll, event);
  // Edge-triggered: every write is an event of its own, so nobody ever has to read the counter back.
  if (Status watched = control(epoll, EPOLL_CTL_ADD, event, EPOLLIN | EPOLLET, kWakeToken); !watched.ok()) return watched;
  return poller;
}

Poller::Poller(int epoll, int event) : epoll_(epoll), event_(event) {}

Poller::Poller(Poller&& other) noexcept : epoll_(other.epoll_), event_(other.event_) { other.epoll_ = other.event_ = -1; }

Poller::~Poller() {
  if (epoll_ < 0) return;
  ::close(event_);
  ::close(epoll_);
}

Status Poller::watch(int descriptor, uint64_t token) {
  return control(epoll_, EPOLL_CTL_ADD, descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, token);
}

Status Poller::watch_listener(int descriptor, uint64_t token) {
  return control(epoll_, EPOLL_CTL_ADD, descriptor, EPOLLIN, token);
}

Status Poller::silence_listener(int descriptor, uint64_t token, bool silent) {
  return control(epoll_, EPOLL_CTL_MOD, descriptor, silent ? 0u : EPOLLIN, token);
}

std::span<const Poller::Ready> Poller::wait(int timeout_ms) {
  epoll_event events[kMostReady];
  const int count = ::epoll_wait(epoll_, events, kMostReady, timeout_ms);
  size_t used = 0;
  for (int i = 0; i < count; ++i) {  // none after an interrupting signal
    const uint32_t what = events[i].events;
    if (events[i].data.u64 == kWakeToken) continue;
    ready_[used++] = {.token = events[i].data.u64,
                      .readable = (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
                      .writable = (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
                      .ended = (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
                      .broken = (what & (EPOLLHUP | EPOLLERR)) != 0};
  }
  return {ready_, used};
}

void Poller::wake() {
  const uint64_t one = 1;
  // Fails only when 2^64 wakes have gone unread, and then the descriptor is ready anyway.
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
}

}  // namespace odradek

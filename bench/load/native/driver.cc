#include "driver.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "watch.h"

namespace load {
namespace {

constexpr size_t kEvents = 256;

}  // namespace

Driver::Driver(std::vector<Channel> channels)
    : channels_(std::move(channels)), blocked_(channels_.size()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_.fd() < 0) fail("epoll_create");
  for (size_t i = 0; i < channels_.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, channels_[i].fd(), &event) != 0) fail("epoll_ctl");
  }
}

void Driver::flush(size_t index) { want_write(index, !channels_[index].flush()); }

void Driver::want_write(size_t index, bool want) {
  if (blocked_[index] == want) return;
  blocked_[index] = want;
  blocked_count_ += want ? 1 : static_cast<size_t>(-1);
  epoll_event event{};
  event.events = EPOLLIN | (want ? EPOLLOUT : 0u);
  event.data.u64 = index;
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_MOD, channels_[index].fd(), &event) != 0) fail("epoll_ctl");
}

void Driver::receive(size_t index, bool wait, const OnAnswer& on_answer) {
  int64_t arrived = 0;
  const auto pass_on = [&](ByteView bytes, int64_t due) {
    if (arrived == 0) arrived = now_ns();
    on_answer({index, bytes, due, arrived});
  };
  while (channels_[index].receive(wait, pass_on)) {
    wait = false;
    arrived = 0;
  }
  flush(index);
}

void Driver::wait(int64_t deadline_ns, const OnAnswer& on_answer) {
  if (channels_.size() == 1 && blocked_count_ == 0 && deadline_ns == kForever) {
    receive(0, true, on_answer);
    return;
  }
  timespec timeout{};
  const int64_t left = deadline_ns == kForever ? 0 : std::max<int64_t>(0, deadline_ns - now_ns());
  timeout.tv_sec = left / 1'000'000'000;
  timeout.tv_nsec = left % 1'000'000'000;
  std::array<epoll_event, kEvents> events;
  const int count = epoll_pwait2(epoll_.fd(), events.data(), static_cast<int>(events.size()), deadline_ns == kForever ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const size_t index = events[static_cast<size_t>(i)].data.u64;
    if ((events[static_cast<size_t>(i)].events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) receive(index, false, on_answer);
    else flush(index);
  }
}

}  // namespace load

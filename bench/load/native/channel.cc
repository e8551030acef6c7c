#include "channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace load {
namespace {

constexpr size_t kCopies = 256;
constexpr size_t kCopiesBytes = 256 * 1024;
constexpr size_t kInBuffer = 64 * 1024;
constexpr size_t kMaxAnswer = 16u << 20;

size_t copies_for(const RequestFrame& frame, size_t depth) {
  if (!frame.body.empty()) return 1;
  return std::clamp<size_t>(std::min(depth, kCopiesBytes / frame.head.size()), 1, kCopies);
}

}  // namespace

Channel::Channel(Socket socket, RequestFrame frame, size_t depth, bool each)
    : socket_(std::move(socket)),
      frame_size_(frame.size()),
      head_size_(frame.head.size()),
      copies_(each ? 1 : copies_for(frame, depth)),
      body_(frame.body),
      tail_(std::move(frame.tail)),
      due_(depth),
      in_(kInBuffer) {
  for (size_t i = 0; i < copies_; ++i) slab_.insert(slab_.end(), frame.head.begin(), frame.head.end());
}

void Channel::submit(int64_t due_ns) {
  due_[(due_head_ + in_flight_) % due_.size()] = due_ns;
  ++in_flight_;
  ++submitted_;
}

void Channel::load_next() {
  loaded_ = std::min(submitted_, copies_);
  submitted_ -= loaded_;
  for (size_t i = 0; i < loaded_; ++i) {
    store_be(slab_.data() + i * head_size_ + RequestFrame::kCorrelationAt, static_cast<uint32_t>(next_id_++), 4);
  }
  pieces_[0] = ByteView(slab_).first(loaded_ * head_size_);
  pieces_[1] = body_;
  pieces_[2] = tail_;
}

bool Channel::flush() {
  while (true) {
    if (loaded_ == 0) {
      if (submitted_ == 0) return true;
      load_next();
    }
    iovec vectors[3];
    int count = 0;
    for (const ByteView piece : pieces_) {
      if (!piece.empty()) vectors[count++] = {const_cast<uint8_t*>(piece.data()), piece.size()};
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = static_cast<size_t>(count);
    const ssize_t wrote = ::sendmsg(socket_.fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0) {
      if (errno == EAGAIN) return false;
      if (errno == EINTR) continue;
      fail("send");
    }
    size_t left = static_cast<size_t>(wrote);
    bool done = true;
    for (ByteView& piece : pieces_) {
      const size_t part = std::min(left, piece.size());
      piece = piece.subspan(part);
      left -= part;
      done = done && piece.empty();
    }
    if (done) {
      sent_ += loaded_;
      loaded_ = 0;
    }
  }
}

size_t Channel::take_sent() {
  const size_t sent = sent_;
  sent_ = 0;
  due_head_ = (due_head_ + sent) % due_.size();
  in_flight_ -= sent;
  return sent;
}

bool Channel::receive(bool wait, const OnAnswer& on_answer) {
  ssize_t got = 0;
  do {
    got = ::recv(socket_.fd(), in_.data() + in_size_, in_.size() - in_size_, wait ? 0 : MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno == EAGAIN) return false;
    fail("receive");
  }
  if (got == 0) throw ProtocolError("the broker closed a connection");
  in_size_ += static_cast<size_t>(got);
  const bool filled = in_size_ == in_.size();

  size_t at = 0;
  while (in_size_ - at >= 4) {
    const size_t size = load_be(in_.data() + at, 4);
    if (size < 4 || size > kMaxAnswer) throw ProtocolError("an answer of an impossible size");
    if (in_size_ - at - 4 < size) {
      if (size + 4 > in_.size()) in_.resize(size + 4);
      break;
    }
    const ByteView answer = ByteView(in_).subspan(at + 4, size);
    if (in_flight_ == 0) throw ProtocolError("an answer that nobody asked for");
    if (static_cast<int32_t>(load_be(answer.data(), 4)) != expected_id_) throw ProtocolError("answers out of order");
    ++expected_id_;
    const int64_t due = due_[due_head_];
    due_head_ = (due_head_ + 1) % due_.size();
    --in_flight_;
    on_answer(answer, due);
    at += 4 + size;
  }
  std::memmove(in_.data(), in_.data() + at, in_size_ - at);
  in_size_ -= at;
  return filled;
}

}  // namespace load

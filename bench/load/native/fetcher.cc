#include "fetcher.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "watch.h"

namespace load {
namespace {

constexpr size_t kBatchHeader = 61;
constexpr size_t kScratch = 1 << 20;

}  // namespace

Fetcher::Fetcher(const FetchOptions& options, const Partition& partition, int64_t end, bool discard)
    : options_(options),
      socket_(connect_to(partition.leader)),
      fetch_(fetch_request(options, partition.target, 0)),
      end_(end),
      scratch_(discard ? 0 : kScratch) {
  set_nonblocking(socket_.fd());
}

void Fetcher::ask() {
  Bytes& head = fetch_.frame.head;
  store_be(head.data() + RequestFrame::kCorrelationAt, ++id_, 4);
  store_be(head.data() + fetch_.offset_at, static_cast<uint64_t>(offset_), 8);
  if (::send(socket_.fd(), head.data(), head.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(head.size())) fail("send");
  asked_ns_ = now_ns();
  got_ = 0;
  frame_size_ = kHead;
  understood_ = false;
}

bool Fetcher::receive(Histogram& latency) {
  while (got_ < frame_size_) {
    const ssize_t got = understood_ ? receive_rest() : ::recv(socket_.fd(), head_.data() + got_, std::min(frame_size_, kHead) - got_, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0) fail("receive");
    if (got == 0) throw ProtocolError("the broker closed a connection");
    got_ += static_cast<size_t>(got);
    if (got_ >= 4) frame_size_ = load_be(head_.data(), 4) + 4;
    if (!understood_ && got_ >= std::min(frame_size_, kHead)) understand();
  }
  latency.record(now_ns() - asked_ns_);
  advance();
  return true;
}

ssize_t Fetcher::receive_rest() {
  const size_t left = frame_size_ - got_;
  if (scratch_.empty()) return ::recv(socket_.fd(), nullptr, left, MSG_DONTWAIT | MSG_TRUNC);
  return ::recv(socket_.fd(), scratch_.data(), std::min(left, scratch_.size()), MSG_DONTWAIT);
}

void Fetcher::understand() {
  understood_ = true;
  const ByteView answer = ByteView(head_).subspan(4, std::min(frame_size_, kHead) - 4);
  if (load_be(answer.data(), 4) != (id_ & 0xffffffff)) throw ProtocolError("an answer to another request");
  const FetchAnswer read = read_fetch_answer(answer, options_.version);
  if (read.error != 0) throw std::runtime_error("a fetch was refused: Kafka error " + std::to_string(read.error));
  if (read.records_bytes < kBatchHeader) throw std::runtime_error("a fetch at " + std::to_string(offset_) + " of " + std::to_string(end_) + " brought nothing");
  const uint8_t* batch = answer.data() + read.records_at;
  if (static_cast<int64_t>(load_be(batch, 8)) != offset_) throw ProtocolError("a fetch answered with another offset");
  batch_bytes_ = load_be(batch + 8, 4) + 12;
  batch_records_ = load_be(batch + 23, 4) + 1;
  batches_ = read.records_bytes / batch_bytes_;
  if (batches_ == 0) throw ProtocolError("a fetch answered with less than one batch");
}

void Fetcher::advance() {
  ++fetches_;
  bytes_ += batches_ * batch_bytes_;
  records_ += batches_ * batch_records_;
  offset_ += static_cast<int64_t>(batches_ * batch_records_);
  if (offset_ > end_) throw ProtocolError("the topic is longer than its end offset says");
  if (offset_ < end_) return;
  offset_ = 0;
  ++passes_;
}

}  // namespace load

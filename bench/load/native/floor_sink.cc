#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "floor_process.h"
#include "floor_server.h"

namespace load {
namespace {

constexpr size_t kReceive = 1 << 20;
constexpr size_t kPeek = 12;  // size, api key, version, correlation id

// Where one connection stands in its stream of frames.
struct Stream {
  Socket socket;
  std::array<uint8_t, kPeek> head{};
  size_t got = 0;
  size_t size = 0;
};

class Sink {
 public:
  Sink(Socket listener, const std::string& dir) : listener_(std::move(listener)), file_(scratch_file(dir)), epoll_(epoll_create1(0)), buffer_(kReceive) {
    add(listener_.fd());
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events;
    while (true) {
      const int count = epoll_wait(epoll_.fd(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == listener_.fd()) accept_one();
        else serve(streams_.at(fd));
      }
    }
  }

 private:
  void add(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  }

  void accept_one() {
    Socket socket(::accept(listener_.fd(), nullptr, nullptr));
    const int fd = socket.fd();
    add(fd);
    streams_[fd].socket = std::move(socket);
  }

  void serve(Stream& stream) {
    const ssize_t got = ::recv(stream.socket.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      streams_.erase(stream.socket.fd());
      return;
    }
    const ByteView bytes = ByteView(buffer_).first(static_cast<size_t>(got));
    if (::write(file_.fd(), bytes.data(), bytes.size()) != got) fail("write");
    answer_complete_frames(stream, bytes);
  }

  void answer_complete_frames(Stream& stream, ByteView bytes) {
    answers_.clear();
    while (!bytes.empty()) {
      const size_t peeked = std::min(kPeek - std::min(stream.got, kPeek), bytes.size());
      std::copy_n(bytes.begin(), peeked, stream.head.begin() + static_cast<std::ptrdiff_t>(stream.got < kPeek ? stream.got : 0));
      if (stream.got + peeked >= kPeek && stream.got < kPeek) stream.size = load_be(stream.head.data(), 4) + 4;
      const size_t left = stream.size == 0 ? peeked : stream.size - stream.got;
      const size_t taken = std::min(left, bytes.size());
      stream.got += taken;
      bytes = bytes.subspan(taken);
      if (stream.size == 0 || stream.got < stream.size) continue;
      append_answer(stream.head.data() + RequestFrame::kCorrelationAt);
      stream.got = stream.size = 0;
    }
    if (answers_.empty()) return;
    if (::send(stream.socket.fd(), answers_.data(), answers_.size(), MSG_NOSIGNAL) < 0) fail("send");
  }

  // Produce version 9: one topic of no name, one partition, no error, offset 0.
  void append_answer(const uint8_t* correlation_id) {
    static const Bytes rest = [] {
      Encoder out;
      out.no_tags(true);
      out.array(1, true);
      out.string("", true);
      out.array(1, true);
      out.int32(0);
      out.int16(0);
      out.int64(0);
      out.int64(-1);
      out.int64(0);
      out.array(0, true);
      out.null_string(true);
      out.no_tags(true);
      out.no_tags(true);
      out.int32(0);
      out.no_tags(true);
      return out.take();
    }();
    std::array<uint8_t, 4> size;
    store_be(size.data(), rest.size() + 4, 4);
    answers_.insert(answers_.end(), size.begin(), size.end());
    answers_.insert(answers_.end(), correlation_id, correlation_id + 4);
    answers_.insert(answers_.end(), rest.begin(), rest.end());
  }

  Socket listener_;
  Socket file_;
  Socket epoll_;
  std::map<int, Stream> streams_;
  Bytes buffer_;
  Bytes answers_;
};

}  // namespace

FloorServer start_sink(const std::string& dir) {
  return in_child([&](Socket listener) { Sink(std::move(listener), dir).run(); });
}

}  // namespace load

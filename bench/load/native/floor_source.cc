#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "floor_process.h"
#include "floor_server.h"

namespace load {
namespace {

void send_all(int fd, ByteView bytes, int flags) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    if (wrote < 0) _exit(0);
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
}

// The answer up to its records, Fetch version 12.
Bytes answer_head(uint64_t correlation_id, const Target& target, int64_t end, size_t records_bytes) {
  Encoder out;
  out.int32(0);
  out.int32(static_cast<int32_t>(correlation_id));
  out.no_tags(true);
  out.int32(0);
  out.int16(0);
  out.int32(0);
  out.array(1, true);
  out.string(target.topic, true);
  out.array(1, true);
  out.int32(target.partition);
  out.int16(0);
  out.int64(end);
  out.int64(end);
  out.int64(0);
  out.array(0, true);
  out.int32(-1);
  out.bytes_length(records_bytes, true);
  Bytes head = out.take();
  store_be(head.data(), head.size() - 4 + records_bytes + 3, 4);
  return head;
}

Socket write_log(const std::string& dir, const FloorLog& log) {
  Socket file = scratch_file(dir);
  Bytes batch = log.batch;
  for (int64_t i = 0; i < log.batches; ++i) {
    store_be(batch.data(), static_cast<uint64_t>(i * log.records_per_batch), 8);
    if (::write(file.fd(), batch.data(), batch.size()) != static_cast<ssize_t>(batch.size())) fail("write");
  }
  return file;
}

[[noreturn]] void serve(const Socket& connection, const Socket& file, const FloorLog& log, const FetchOptions& options, const FetchFrame& like, const Target& target) {
  const uint8_t tags[3] = {};
  Bytes request(like.frame.head.size());
  while (true) {
    if (::recv(connection.fd(), request.data(), request.size(), MSG_WAITALL) != static_cast<ssize_t>(request.size())) _exit(0);
    const auto offset = static_cast<int64_t>(load_be(request.data() + like.offset_at, 8));
    auto position = static_cast<off_t>(static_cast<uint64_t>(offset / log.records_per_batch) * log.batch.size());
    const auto length = static_cast<off_t>(static_cast<uint64_t>(log.batches) * log.batch.size());
    size_t left = static_cast<size_t>(std::min<off_t>(length - position, options.partition_max_bytes));
    send_all(connection.fd(), answer_head(load_be(request.data() + RequestFrame::kCorrelationAt, 4), target, log.end_offset(), left), MSG_MORE);
    while (left > 0) {
      const ssize_t sent = ::sendfile(connection.fd(), file.fd(), &position, left);
      if (sent <= 0) _exit(0);
      left -= static_cast<size_t>(sent);
    }
    send_all(connection.fd(), tags, 0);
  }
}

}  // namespace

FloorServer start_source(const std::string& dir, const FloorLog& log, const FetchOptions& options, const FetchFrame& like, const Target& target) {
  const Socket file = write_log(dir, log);
  return in_child([&](const Socket& listener) {
    const Socket connection(::accept(listener.fd(), nullptr, nullptr));
    const int on = 1;
    if (setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
    serve(connection, file, log, options, like, target);
  });
}

}  // namespace load

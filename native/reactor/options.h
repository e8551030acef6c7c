// What a reactor is told at the start. Names in comments are Kafka's.
#pragma once

#include <cstdint>

namespace odradek {

struct ReactorOptions {
  uint32_t network_threads = 3;                           // num.network.threads, 1 to 32
  uint32_t max_request_bytes = 100u << 20;                // socket.request.max.bytes
  // Frames received and not yet given back (answered, or release_frame). When spent, no socket is read until some are.
  // A frame that began before goes on, as in Kafka's memory pool, so it may be passed by what was under way.
  uint64_t queued_max_bytes = 64u << 20;                  // queued.max.request.bytes
  // Requests of one connection without an answer sent. At the limit its socket is not read; what one recv brought (64
  // KiB) is still announced. Kafka's is 1; more lets a pipelining client profit.
  uint32_t max_in_flight = 128;
  uint64_t max_queued_response_bytes = 4u << 20;          // answered but not sent, per connection: a slow reader is not read
  uint32_t max_requests = 1u << 18;                       // without an answer sent, over all connections; below kMostSlots
  int64_t connections_max_idle_ms = 10 * 60 * 1000;       // connections.max.idle.ms; < 0: never. Not while requests wait
  int64_t stalled_frame_ms = 30 * 1000;                   // half a frame, no byte for so long, while others lack memory: closed; < 0: never
  uint32_t max_connections = 0x7fffffff;                  // max.connections: beyond it the longest idle one gives way
  int32_t send_buffer_bytes = 100 * 1024;                 // socket.send.buffer.bytes; < 0: the system's
  int32_t receive_buffer_bytes = 100 * 1024;              // socket.receive.buffer.bytes; < 0: the system's
  // socket.listen.backlog.size. Kafka's default of 50 overflows when thousands connect at once, and each of them then
  // waits a second or more for TCP to try again. The kernel caps it (net.core.somaxconn).
  uint32_t backlog = 4096;
};

struct DialOptions {
  uint32_t max_frame_bytes = 100u << 20;  // a longer answer closes the connection
  int32_t receive_buffer_bytes = -1;      // < 0: the system's choice
};

}  // namespace odradek

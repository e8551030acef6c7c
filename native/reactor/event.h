// What poll() reports. The addon shows an array of these to TypeScript as an Int32Array, so the layout is fixed and
// every field stays below 2^31.
#pragma once

#include <cstdint>

namespace odradek {

enum class EventKind : uint32_t {
  kRequest = 1,  // a whole frame arrived
  kOpened = 2,   // comes before the connection's first request
  kClosed = 3,   // the connection's last event; its index may be used again from the next poll on
  kConnected = 4,  // a dialled connection stands
  kAnswer = 5,     // a whole frame arrived on a dialled connection: the arena keeps it until release_frame(slot)
};

enum class CloseReason : uint32_t {
  kPeer = 1,       // closed or reset by the other side, or the send failed
  kRefused = 2,    // a frame whose size is negative or above max_request_bytes
  kFailed = 3,     // AnswerBatch::fail()
  kAsked = 4,      // close_connection()
  kIdle = 5,       // connections_max_idle_ms
  kTooMany = 6,    // gave way to a newer one (max_connections)
  kStalled = 7,    // half a frame, too long, while memory was short
  kStopping = 8,   // close() of the reactor
  kReadFailed = 9, // a file slice could not be read
  kUnreachable = 10,  // a dialled connection never came to be
  kUnasked = 11,   // a dialled connection brought more answers than are ever asked for
};

struct Event {
  uint32_t kind = 0;        // EventKind
  uint32_t slot = 0;        // kRequest: names the request in answers. kAnswer: names the frame. kClosed: CloseReason
  uint32_t connection = 0;  // small and dense: fit for an array index
  uint32_t offset = 0;      // kRequest, kAnswer: arena offset of the frame, behind its 4-byte size. kClosed: errno, or 0
  uint32_t length = 0;      // kRequest, kAnswer: bytes of the frame, without the size. May be 0
  uint32_t listener = 0;    // as given to listen()
  uint32_t queued_us = 0;   // kRequest, kAnswer: from its arrival until this poll
  uint32_t reserved = 0;
};
static_assert(sizeof(Event) == 32, "TypeScript reads eight 32-bit words per event");

}  // namespace odradek

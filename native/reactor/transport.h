// What moves bytes between a connection and its socket. TCP now; TLS fills in the same table.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/file.h"

namespace odradek::reactor {

struct IoResult {
  enum class Outcome {
    kMoved,       // `bytes` > 0 of them
    kWouldBlock,  // nothing can be moved now; the poller tells when
    kEnd,         // receive: the other side sends no more. send_file: the file ends before the slice does
    kFailed,      // the connection is of no use any more
    kFileFailed,  // the file could not be read
  };
  Outcome outcome = Outcome::kFailed;
  size_t bytes = 0;
};

// Nothing here blocks (send_file apart, on a file that is not in the page cache) and nothing raises SIGPIPE, given that
// the calling thread blocks it for send_file.
//
// Threads: receive() and handshake() are called by the connection's network thread only. send() and send_file() by one
// thread at a time, which may be another one than that, at the same time as receive(), unless any_thread_may_send() is
// false: then by the network thread only.
class Transport {
 public:
  virtual ~Transport() = default;

  // To be repeated until it says kMoved; nothing is received or sent before.
  virtual IoResult handshake(int socket) = 0;

  // Fills the pieces in order. Fewer bytes than there was room for: nothing more waits, and the poller will tell of the
  // next. As many as there was room for: there may be more.
  virtual IoResult receive(int socket, std::span<const iovec> pieces) = 0;

  // So many bytes are on their way (1: any number): the poller need not tell of fewer, except of the end.
  virtual void expect(int socket, uint32_t bytes) = 0;

  // `more`: bytes follow at once, so a last short packet may wait for them.
  virtual IoResult send(int socket, std::span<const iovec> pieces, bool more) = 0;
  virtual IoResult send_file(int socket, FileHandle& file, uint64_t position, size_t length) = 0;

  virtual bool any_thread_may_send() const = 0;
};

// Has no state: one serves every connection.
class TcpTransport final : public Transport {
 public:
  IoResult handshake(int socket) override;
  IoResult receive(int socket, std::span<const iovec> pieces) override;
  void expect(int socket, uint32_t bytes) override;
  IoResult send(int socket, std::span<const iovec> pieces, bool more) override;
  IoResult send_file(int socket, FileHandle& file, uint64_t position, size_t length) override;
  bool any_thread_may_send() const override { return true; }
};

}  // namespace odradek::reactor

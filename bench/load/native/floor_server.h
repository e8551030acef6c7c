// The least that any broker must do, as a process of its own: take the bytes and append them to a file, or send a
// file's bytes. No validation, no protocol beyond the frames. What it costs is what the kernel costs.
#pragma once

#include <sys/types.h>

#include <string>

#include "batch.h"
#include "requests.h"
#include "socket.h"

namespace load {

struct FloorServer {
  pid_t pid = 0;
  Address address;

  FloorServer() = default;
  FloorServer(FloorServer&& other) noexcept : pid(other.pid), address(std::move(other.address)) { other.pid = 0; }
  ~FloorServer();
};

/// Answers every Produce frame once it has been received and written to an unlinked file in `dir`.
FloorServer start_sink(const std::string& dir);

struct FloorLog {
  Bytes batch;
  int32_t records_per_batch = 1;
  int64_t batches = 1;
  int64_t end_offset() const { return records_per_batch * batches; }
};

/// Answers one connection's Fetch frames (as `like` is built) by sendfile from a file in `dir` that holds `log`.
FloorServer start_source(const std::string& dir, const FloorLog& log, const FetchOptions& options, const FetchFrame& like, const Target& target);

}  // namespace load

// Virtual machines whose kernel reports free memory to the host (page_reporting) lose its backing seconds after it was
// freed, and pay some 10 us per page to get it back: 2.5 s of system time per gigabyte, in whatever process happens to
// write next. That is no property of a broker. So this touches most of the free memory and gives it back all but one
// page in each megabyte: no free block is large enough to be reported any more, for as long as this process lives.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "commands.h"
#include "json.h"
#include "socket.h"
#include "watch.h"

namespace load {

int run_hold_memory(Options& options) {
  const auto bytes = static_cast<size_t>(options.integer("bytes", 0));
  const auto keep_every = static_cast<size_t>(options.integer("keep-every", 1 << 20));
  options.refuse_unused();
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (bytes == 0 || keep_every <= page) throw std::runtime_error("nothing to hold");

  const int64_t started = own_cpu_ns();
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  for (size_t at = 0; at + keep_every <= bytes; at += keep_every) {
    if (::madvise(static_cast<uint8_t*>(memory) + at + page, keep_every - page, MADV_DONTNEED) != 0) fail("madvise");
  }
  const Json json = Json().string("command", "hold-memory").integer("bytes", static_cast<int64_t>(bytes)).number("cpuSeconds", static_cast<double>(own_cpu_ns() - started) / 1e9);
  std::puts(json.text().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  return 0;
}

}  // namespace load

// New pages of the page cache are dear where a virtual machine's memory comes from its host on demand, or where its kernel's
// mapping is shadowed: some 10 us the first time, 2.5 s of system time per gigabyte, in whatever process happens to write
// next. That is no property of a broker. So the kernel is made to write as much as a load is about to (a file of memory:
// touching it through a mapping of one's own leaves the kernel's cold) and to free it: what was freed last is used first.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "commands.h"
#include "json.h"
#include "socket.h"
#include "watch.h"

namespace load {

int run_warm_memory(Options& options) {
  constexpr size_t kStep = 1 << 20;
  const auto bytes = static_cast<size_t>(options.integer("bytes", 0));
  options.refuse_unused();
  const int64_t started = own_cpu_ns();
  {
    const Socket file(::memfd_create("warm", MFD_CLOEXEC));
    if (file.fd() < 0) fail("memfd_create");
    const std::vector<uint8_t> some(kStep);
    for (size_t at = 0; at < bytes; at += kStep) {
      if (::write(file.fd(), some.data(), kStep) != static_cast<ssize_t>(kStep)) fail("write");
    }
  }
  std::puts(Json().string("command", "warm-memory").integer("bytes", static_cast<int64_t>(bytes)).number("cpuSeconds", static_cast<double>(own_cpu_ns() - started) / 1e9).text().c_str());
  return 0;
}

}  // namespace load

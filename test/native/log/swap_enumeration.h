// Stops Kafka's swap of compacted segments after each of its renames, and then our start after each of its system calls.
#pragma once

#include "log/enumeration.h"

namespace odradek::test {

// Two swaps: three segments that became one, and one that was split into two. Whenever it stopped, the log is afterwards
// either what it was or what it was to be, whole, with indexes that agree and no leftovers; and once Kafka had begun to take
// the old segments away, what it was to be. `every` leaves out all calls of our start but each so-manieth.
EnumerationResult enumerate_swaps(uint64_t torn_seeds, uint64_t every = 1);

}  // namespace odradek::test

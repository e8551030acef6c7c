// Stops a small life of a log after every single system call, or breaks that call, and looks at what is left.
// Without a test framework: the doctest suite and the program that `npm test` builds both use it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace odradek::test {

struct EnumerationResult {
  uint64_t calls = 0;  // of the undisturbed life
  uint64_t lives = 0;  // tried
  std::vector<std::string> failures;
};

// The power goes after each call; unsynced data is dropped, kept, and torn with `torn_seeds` different seeds. Then: the
// log opens, is a prefix of what was appended (torn, it may lack the unflushed end of a rolled segment), holds everything that
// was flushed, its indexes agree, it can be appended to.
// `every` leaves out all calls but each so-manieth, for whoever only looks in.
EnumerationResult enumerate_crashes(bool flush_every_message, uint64_t torn_seeds, uint64_t every = 1);

// Each call fails: ENOSPC and EIO, once and from then on, with half a write done or none. Then: what was acknowledged is
// there, what was refused is not; a full disk leaves the log usable, a broken one is told.
EnumerationResult enumerate_faults(uint64_t every = 1);

}  // namespace odradek::test

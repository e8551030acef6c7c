// The programs in this program. Each prints one JSON object and returns the exit code: 0 when the work was really done.
#pragma once

#include "options.h"

namespace load {

int run_closed_loop(Options& options);
int run_open_loop(Options& options);
int run_fetch(Options& options);
int run_idle(Options& options);
int run_floor(Options& options);
int run_inflate(Options& options);
int run_topic(Options& options);
int run_warm_memory(Options& options);
int run_self_check(Options& options);

}  // namespace load

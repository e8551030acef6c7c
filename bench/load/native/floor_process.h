// A server in a forked child, with its listening socket made before the fork so that nobody has to wait for it.
#pragma once

#include <functional>
#include <string>

#include "floor_server.h"

namespace load {

/// `serve` runs in the child and does not return. The child ends with its FloorServer, or with us.
FloorServer in_child(const std::function<void(Socket listener)>& serve);

/// A file that has no name any more.
Socket scratch_file(const std::string& dir);

}  // namespace load

// Congestion control of connections, accepted and dialled.
//
// BBR paces: it sets a timer between packets, so that a bottleneck on the way is not flooded. Between two processes of
// one machine there is none, and each timer costs what the packet costs; with a send buffer that takes a whole response
// that was half of what a fetch cost (0.6 instead of 0.33 s per GB). A socket that once was BBR's goes on pacing, so such
// a listener, and with it what it accepts, is made Reno's, and connections of other machines get the system's choice back
// before their first byte is sent. A dialled socket is made Reno's before it connects, and gets the choice back once its
// route is known. Where the system's choice does not pace, nothing is changed.
#pragma once

#include <string>

namespace odradek {

struct SocketAddress;

// Answers what restore_congestion() is to give back; empty: nothing was changed.
std::string avoid_pacing(int listener);

// Of an accepted connection, or of a dialled one that connects: only one of this machine keeps what it got.
void restore_congestion(int socket, const SocketAddress& peer, const std::string& congestion);

}  // namespace odradek

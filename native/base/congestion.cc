#include "base/congestion.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "base/socket.h"

namespace odradek {

namespace {

constexpr std::string_view kPaces = "bbr";  // and bbr2, bbr3
constexpr char kDoesNot[] = "reno";         // every kernel has it, for every user
constexpr size_t kLongestName = 16;         // TCP_CA_NAME_MAX

bool is_of_this_machine(int socket, const SocketAddress& peer) {
  SocketAddress own;
  socklen_t length = sizeof own;
  return peer.is_loopback() || (::getsockname(socket, &own.any, &length) == 0 && own.host() == peer.host());
}

}  // namespace

std::string avoid_pacing(int listener) {
  char name[kLongestName + 1] = "";
  socklen_t length = kLongestName;
  if (::getsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, name, &length) != 0) return "";
  if (!std::string_view(name).starts_with(kPaces)) return "";
  return ::setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, kDoesNot, sizeof kDoesNot - 1) == 0 ? name : "";
}

void restore_congestion(int socket, const SocketAddress& peer, const std::string& congestion) {
  if (congestion.empty() || is_of_this_machine(socket, peer)) return;
  // Refused: Reno serves as well, only not as the system wished.
  static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, congestion.data(), static_cast<socklen_t>(congestion.size())));
}

}  // namespace odradek

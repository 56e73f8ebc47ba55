#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

int ParseAddress(const std::string& text, uint16_t port, Address* address) {
  memset(address, 0, sizeof(*address));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address->storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address->size = sizeof(*v4);
    return 0;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
  size_t percent = text.find('%');
  if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), &v6->sin6_addr) != 1) return EINVAL;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  address->size = sizeof(*v6);
  if (percent == std::string::npos) return 0;
  std::string zone = text.substr(percent + 1);
  v6->sin6_scope_id = if_nametoindex(zone.c_str());
  if (v6->sin6_scope_id == 0) v6->sin6_scope_id = static_cast<uint32_t>(strtoul(zone.c_str(), nullptr, 10));
  return v6->sin6_scope_id == 0 ? ENODEV : 0;
}

std::string FormatAddress(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof(text));
  } else if (storage.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text, sizeof(text));
  }
  return text;
}

uint16_t PortOf(const sockaddr_storage& storage) {
  // The port has the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <string>

struct Address {
  sockaddr_storage storage;
  socklen_t size;
};

// `text` is numeric; IPv6 may carry a zone (`fe80::1%eth0`), which is resolved in this thread's namespace. Returns an
// errno.
int ParseAddress(const std::string& text, uint16_t port, Address* address);

std::string FormatAddress(const sockaddr_storage& storage);
uint16_t PortOf(const sockaddr_storage& storage);

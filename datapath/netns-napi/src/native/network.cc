// What a namespace's devices are to the network: addresses and default routes, and word of any change of them.
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "address.h"
#include "error.h"
#include "inside.h"
#include "parts.h"

namespace {

struct Device {
  uint32_t ifindex = 0;
  int mtu = 0;
  bool loopback = false;
  std::vector<std::string> addresses;
};

// The files of this thread's namespace: IPv4 has destination and mask in fields 1 and 7, IPv6 a length in field 1 and
// flags before the device, which is the loopback's for the kernel's own last route that refuses.
void ReadDefaultRoutes(std::set<std::string>* names) {
  std::string line;
  std::ifstream four("/proc/thread-self/net/route");
  while (std::getline(four, line)) {
    std::istringstream words(line);
    std::string name, destination, skipped, mask;
    words >> name >> destination;
    for (int i = 0; i < 5; i++) words >> skipped;
    words >> mask;
    if (destination == "00000000" && mask == "00000000") names->insert(name);
  }
  std::ifstream six("/proc/thread-self/net/ipv6_route");
  while (std::getline(six, line)) {
    std::istringstream words(line);
    std::string destination, length, word, flags, name;
    words >> destination >> length;
    for (; words >> word; name = word) flags = name;
    bool rejects = (std::strtoul(flags.c_str(), nullptr, 16) & RTF_REJECT) != 0;
    bool all = length == "00" && destination.find_first_not_of('0') == std::string::npos;
    if (all && !rejects) names->insert(name);
  }
}

Failure ReadNetwork(std::map<std::string, Device>* devices, std::set<std::string>* routes) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {errno, "getifaddrs", ""};
  for (ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    // An address may have a label of old times (eth0:1), which names no device of its own.
    std::string name = entry->ifa_name;
    Device& device = (*devices)[name.substr(0, name.find(':'))];
    device.loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
    if (entry->ifa_addr == nullptr) continue;
    int family = entry->ifa_addr->sa_family;
    // Each device has one such entry, addresses or none.
    if (family == AF_PACKET) device.ifindex = reinterpret_cast<sockaddr_ll*>(entry->ifa_addr)->sll_ifindex;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    memcpy(&storage, entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    // A link-local address says by itself where it is: the device is known.
    if (family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage)->sin6_scope_id = 0;
    device.addresses.push_back(FormatAddress(storage));
  }
  freeifaddrs(list);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {errno, "socket", ""};
  for (auto& [name, device] : *devices) {
    ifreq request{};
    strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (ioctl(fd, SIOCGIFMTU, &request) == 0) device.mtu = request.ifr_mtu;
  }
  close(fd);
  for (auto entry = devices->begin(); entry != devices->end();) {
    // One that came after the links were read, when addresses were.
    entry = entry->second.ifindex == 0 ? devices->erase(entry) : std::next(entry);
  }
  ReadDefaultRoutes(routes);
  return {};
}

// info: netns
Napi::Value Network(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::map<std::string, Device> devices;
  std::set<std::string> routes;
  Inside(env, info[0], [&] { return ReadNetwork(&devices, &routes); });
  Napi::Array result = Napi::Array::New(env);
  for (const auto& [name, device] : devices) {
    Napi::Object entry = Napi::Object::New(env);
    Napi::Array addresses = Napi::Array::New(env, device.addresses.size());
    for (uint32_t i = 0; i < device.addresses.size(); i++) addresses.Set(i, device.addresses[i]);
    entry.Set("name", name);
    entry.Set("ifindex", device.ifindex);
    entry.Set("mtu", device.mtu);
    entry.Set("loopback", device.loopback);
    entry.Set("addresses", addresses);
    entry.Set("defaultRoute", routes.count(name) > 0);
    result.Set(result.Length(), entry);
  }
  return result;
}

// info: netns; a descriptor that becomes readable when links, addresses or routes change
Napi::Value Changes(const Napi::CallbackInfo& info) {
  int fd = -1;
  Inside(info.Env(), info[0], [&]() -> Failure {
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) return {errno, "socket", "netlink"};
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return {};
    Failure failure{errno, "bind", "netlink"};
    close(fd);
    return failure;
  });
  return Napi::Number::New(info.Env(), fd);
}

// info: fd of Changes; reads on until nothing waits. What was lost for want of room was a change like others.
Napi::Value Drain(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>();
  char buffer[8192];
  while (recv(fd, buffer, sizeof(buffer), 0) >= 0 || errno == ENOBUFS || errno == EINTR) {
  }
  return info.Env().Undefined();
}

}  // namespace

void ExportNetwork(Napi::Env env, Napi::Object exports) {
  exports.Set("network", Napi::Function::New<Network>(env, "network"));
  exports.Set("changes", Napi::Function::New<Changes>(env, "changes"));
  exports.Set("drain", Napi::Function::New<Drain>(env, "drain"));
}

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "inside.h"
#include "parts.h"

namespace {

struct Interface {
  std::string name;
  uint32_t ifindex;
  std::string mac;
  int mtu;
  bool up;
};

bool Ask(int fd, unsigned long request, const std::string& name, ifreq* answer) {
  memset(answer, 0, sizeof(*answer));
  strncpy(answer->ifr_name, name.c_str(), IFNAMSIZ - 1);
  return ioctl(fd, request, answer) == 0;
}

std::string MacOf(const ifreq& request) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(request.ifr_hwaddr.sa_data);
  char text[18];
  snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
           bytes[5]);
  return text;
}

Failure ListInterfaces(std::vector<Interface>* list) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {errno, "socket", ""};
  struct if_nameindex* names = if_nameindex();
  if (names == nullptr) {
    Failure failure{errno, "if_nameindex", ""};
    close(fd);
    return failure;
  }
  for (struct if_nameindex* entry = names; entry->if_index != 0; entry++) {
    ifreq mac;
    ifreq mtu;
    ifreq flags;
    std::string name = entry->if_name;
    // One that went away since it was listed isn't there.
    if (!Ask(fd, SIOCGIFHWADDR, name, &mac) || !Ask(fd, SIOCGIFMTU, name, &mtu) || !Ask(fd, SIOCGIFFLAGS, name, &flags)) {
      continue;
    }
    list->push_back({name, entry->if_index, MacOf(mac), mtu.ifr_mtu, (flags.ifr_flags & IFF_UP) != 0});
  }
  if_freenameindex(names);
  close(fd);
  return {};
}

// info: netns
Napi::Value Interfaces(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::vector<Interface> list;
  Inside(env, info[0], [&] { return ListInterfaces(&list); });
  Napi::Array result = Napi::Array::New(env, list.size());
  for (uint32_t i = 0; i < list.size(); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", list[i].name);
    entry.Set("ifindex", list[i].ifindex);
    entry.Set("mac", list[i].mac);
    entry.Set("mtu", list[i].mtu);
    entry.Set("up", list[i].up);
    result.Set(i, entry);
  }
  return result;
}

// info: netns, name
Napi::Value Ifindex(const Napi::CallbackInfo& info) {
  std::string name = info[1].As<Napi::String>();
  uint32_t ifindex = 0;
  Inside(info.Env(), info[0], [&]() -> Failure {
    ifindex = if_nametoindex(name.c_str());
    if (ifindex == 0) return {errno, "if_nametoindex", name};
    return {};
  });
  return Napi::Number::New(info.Env(), ifindex);
}

}  // namespace

void ExportInterfaces(Napi::Env env, Napi::Object exports) {
  exports.Set("interfaces", Napi::Function::New<Interfaces>(env, "interfaces"));
  exports.Set("ifindex", Napi::Function::New<Ifindex>(env, "ifindex"));
}

// What drives a device: whether XDP is worth attaching to it depends on that.
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"
#include "link.h"
#include "netns.h"

namespace {

// info: ifindex, netns path | undefined. Undefined where the driver doesn't say its name.
Napi::Value DeviceDriver(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t ifindex = info[0].As<Napi::Number>().Uint32Value();
  ethtool_drvinfo driver;
  memset(&driver, 0, sizeof(driver));
  driver.cmd = ETHTOOL_GDRVINFO;
  int err = 0;
  InNetns(env, info[1], [&] {
    ifreq request;
    memset(&request, 0, sizeof(request));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      err = errno;
      return;
    }
    request.ifr_ifindex = static_cast<int>(ifindex);
    if (ioctl(fd, SIOCGIFNAME, &request) < 0) {
      err = errno;
    } else {
      request.ifr_data = reinterpret_cast<char*>(&driver);
      if (ioctl(fd, SIOCETHTOOL, &request) < 0) err = errno;
    }
    close(fd);
  });
  if (err == EOPNOTSUPP) return env.Undefined();
  if (err != 0) ThrowErrno(env, err, "ioctl(ETHTOOL_GDRVINFO)", "ifindex " + std::to_string(ifindex));
  return Napi::String::New(env, driver.driver, strnlen(driver.driver, sizeof(driver.driver)));
}

}  // namespace

void ExportDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("deviceDriver", Napi::Function::New<DeviceDriver>(env, "deviceDriver"));
}

#include <sys/mount.h>

#include <cerrno>

#include "error.h"
#include "probe.h"

namespace {

Napi::Value MountBpffs(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  if (mount("bpffs", path.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700") < 0) {
    ThrowErrno(info.Env(), errno, "mount", path);
  }
  return info.Env().Undefined();
}

Napi::Value Unmount(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW) < 0) ThrowErrno(info.Env(), errno, "umount2", path);
  return info.Env().Undefined();
}

}  // namespace

void ExportMounts(Napi::Env env, Napi::Object exports) {
  exports.Set("mountBpffs", Napi::Function::New<MountBpffs>(env, "mountBpffs"));
  exports.Set("unmount", Napi::Function::New<Unmount>(env, "unmount"));
}

// Who is at the other end of a unix socket, as the kernel noted when it was connected: unix(7).
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "error.h"
#include "parts.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace {

Napi::Value PeerCredentials(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = info[0].As<Napi::Number>().Int32Value();
  ucred who{};
  socklen_t size = sizeof(who);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) ThrowErrno(env, errno, "getsockopt(SO_PEERCRED)");
  std::vector<gid_t> groups(32);
  for (;;) {
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) break;
    // The size that it takes is in `size` then.
    if (errno != ERANGE) ThrowErrno(env, errno, "getsockopt(SO_PEERGROUPS)");
    groups.resize(size / sizeof(gid_t));
  }
  groups.resize(size / sizeof(gid_t));
  Napi::Array list = Napi::Array::New(env, groups.size());
  for (size_t at = 0; at < groups.size(); at++) list.Set(static_cast<uint32_t>(at), Napi::Number::New(env, groups[at]));
  Napi::Object peer = Napi::Object::New(env);
  peer.Set("pid", Napi::Number::New(env, who.pid));
  peer.Set("uid", Napi::Number::New(env, who.uid));
  peer.Set("gid", Napi::Number::New(env, who.gid));
  peer.Set("groups", list);
  return peer;
}

}  // namespace

void ExportPeer(Napi::Env env, Napi::Object exports) {
  exports.Set("peerCredentials", Napi::Function::New<PeerCredentials>(env, "peerCredentials"));
}

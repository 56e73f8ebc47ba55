#include "link.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "handle.h"
#include "names.h"
#include "netns.h"

namespace {

// info: program, ifindex, mode, netns path | undefined
Napi::Value AttachXdp(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int program = HandleOf(env, info[0], Kind::Program, "attachXdp")->fd;
  uint32_t ifindex = info[1].As<Napi::Number>().Uint32Value();
  std::string mode = info[2].As<Napi::String>();
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = mode == "native" ? XDP_FLAGS_DRV_MODE : mode == "generic" ? XDP_FLAGS_SKB_MODE : 0;
  int fd = -1;
  InNetns(env, info[3],
          [&] { fd = bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options); });
  if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_LINK_CREATE)", "xdp " + mode + " at ifindex " + std::to_string(ifindex));
  return AdoptLink(env, fd, "bpf(BPF_LINK_CREATE) xdp");
}

// info: program, path of the cgroup's directory, name of the attach type
Napi::Value AttachCgroup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int program = HandleOf(env, info[0], Kind::Program, "attachCgroup")->fd;
  std::string path = info[1].As<Napi::String>();
  std::string typeName = info[2].As<Napi::String>();
  int type = AttachTypeByName(typeName);
  if (type < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "attachCgroup", "unknown attach type '" + typeName + "'");
  int cgroup = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) ThrowErrno(env, errno, "open", path);
  int fd = bpf_link_create(program, cgroup, static_cast<bpf_attach_type>(type), nullptr);
  close(cgroup);
  if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_LINK_CREATE)", typeName + " at " + path);
  return AdoptLink(env, fd, "bpf(BPF_LINK_CREATE) " + typeName);
}

Napi::Value LinkInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* link = HandleOf(env, info[0], Kind::Link, "info");
  bpf_link_info kernel;
  memset(&kernel, 0, sizeof(kernel));
  uint32_t size = sizeof(kernel);
  int err = bpf_obj_get_info_by_fd(link->fd, &kernel, &size);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  std::string type = LinkTypeName(kernel.type);
  Napi::Object result = Napi::Object::New(env);
  result.Set("id", kernel.id);
  result.Set("type", type);
  result.Set("programId", kernel.prog_id);
  // Both kinds begin with the ifindex; it is 0 once the device is gone.
  if (type == "xdp" || type == "tcx") result.Set("ifindex", kernel.xdp.ifindex);
  // What inode the cgroup's directory has; 0 once it is gone.
  if (type == "cgroup") result.Set("cgroupId", Napi::BigInt::New(env, static_cast<uint64_t>(kernel.cgroup.cgroup_id)));
  return result;
}

Napi::Value LinkUpdate(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* link = HandleOf(env, info[0], Kind::Link, "update");
  Handle* program = HandleOf(env, info[1], Kind::Program, "update");
  int err = bpf_link_update(link->fd, program->fd, nullptr);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_LINK_UPDATE)");
  return env.Undefined();
}

Napi::Value LinkDetach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* link = HandleOf(env, info[0], Kind::Link, "detach");
  int err = bpf_link_detach(link->fd);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_LINK_DETACH)");
  return env.Undefined();
}

}  // namespace

void ExportLinks(Napi::Env env, Napi::Object exports) {
  exports.Set("attachXdp", Napi::Function::New<AttachXdp>(env, "attachXdp"));
  exports.Set("attachCgroup", Napi::Function::New<AttachCgroup>(env, "attachCgroup"));
  exports.Set("linkInfo", Napi::Function::New<LinkInfo>(env, "linkInfo"));
  exports.Set("linkUpdate", Napi::Function::New<LinkUpdate>(env, "linkUpdate"));
  exports.Set("linkDetach", Napi::Function::New<LinkDetach>(env, "linkDetach"));
}

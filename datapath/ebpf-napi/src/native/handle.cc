#include "handle.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "error.h"
#include "names.h"

namespace {

struct Opened {
  const char* kind;
  std::string call;
  std::string name;
};

// Descriptors belong to the process, whichever worker opened them.
std::mutex registryMutex;
std::map<const void*, Opened>& Registry() {
  static auto* registry = new std::map<const void*, Opened>();
  return *registry;
}

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::Map:
      return "map";
    case Kind::Program:
      return "program";
    default:
      return "link";
  }
}

void CloseHandle(Handle* handle) {
  if (handle->fd < 0) return;
  RecordClosed(handle);
  close(handle->fd);
  handle->fd = -1;
}

Napi::Value Adopt(Napi::Env env, Handle* handle, const std::string& call, const std::string& name) {
  RecordOpen(handle, KindName(handle->kind), call, name);
  return Napi::External<Handle>::New(env, handle, [](Napi::Env, Handle* collected) {
    CloseHandle(collected);
    delete collected;
  });
}

template <typename Info>
Info InfoOrThrow(Napi::Env env, int fd) {
  Info info;
  memset(&info, 0, sizeof(info));
  uint32_t size = sizeof(info);
  int err = bpf_obj_get_info_by_fd(fd, &info, &size);
  if (err < 0) {
    close(fd);
    ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  }
  return info;
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  CloseHandle(info[0].As<Napi::External<Handle>>().Data());
  return info.Env().Undefined();
}

Napi::Value IsOpen(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), info[0].As<Napi::External<Handle>>().Data()->fd >= 0);
}

int FdOf(const Napi::CallbackInfo& info, const char* call) {
  Handle* handle = info[0].As<Napi::External<Handle>>().Data();
  HandleOf(info.Env(), info[0], handle->kind, call);
  return handle->fd;
}

Napi::Value Pin(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = FdOf(info, "pin");
  std::string path = info[1].As<Napi::String>();
  int err = bpf_obj_pin(fd, path.c_str());
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_PIN)", path);
  return env.Undefined();
}

Napi::Value Unpin(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  if (unlink(path.c_str()) < 0) ThrowErrno(env, errno, "unlink", path);
  return env.Undefined();
}

// What kind of object a descriptor is, so that a map's pin isn't taken for a program.
std::string AnonymousInode(int fd) {
  std::string link = "/proc/self/fd/" + std::to_string(fd);
  char target[128];
  ssize_t length = readlink(link.c_str(), target, sizeof(target) - 1);
  if (length < 0) return "";
  return std::string(target, length);
}

Napi::Value OpenPinned(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string kind = info[0].As<Napi::String>();
  std::string path = info[1].As<Napi::String>();
  int fd = bpf_obj_get(path.c_str());
  if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_OBJ_GET)", path);
  std::string inode = AnonymousInode(fd);
  const char* suffix = kind == "map" ? "map" : kind == "program" ? "prog" : "link";
  if (!inode.empty() && inode.find(suffix) == std::string::npos) {
    close(fd);
    ThrowCode(env, "ERR_EBPF_KIND", "bpf(BPF_OBJ_GET)", path + " is not a " + kind + " but " + inode);
  }
  std::string call = "bpf(BPF_OBJ_GET) " + path;
  if (kind == "map") return AdoptMap(env, fd, call);
  if (kind == "program") return AdoptProgram(env, fd, call);
  return AdoptLink(env, fd, call);
}

Napi::Value ById(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string kind = info[0].As<Napi::String>();
  uint32_t id = info[1].As<Napi::Number>().Uint32Value();
  std::string detail = kind + " " + std::to_string(id);
  if (kind == "map") {
    int fd = bpf_map_get_fd_by_id(id);
    if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_MAP_GET_FD_BY_ID)", detail);
    return AdoptMap(env, fd, "bpf(BPF_MAP_GET_FD_BY_ID)");
  }
  if (kind == "program") {
    int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_PROG_GET_FD_BY_ID)", detail);
    return AdoptProgram(env, fd, "bpf(BPF_PROG_GET_FD_BY_ID)");
  }
  int fd = bpf_link_get_fd_by_id(id);
  if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_LINK_GET_FD_BY_ID)", detail);
  return AdoptLink(env, fd, "bpf(BPF_LINK_GET_FD_BY_ID)");
}

Napi::Value Dup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* handle = info[0].As<Napi::External<Handle>>().Data();
  int fd = fcntl(FdOf(info, "dup"), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) ThrowErrno(env, errno, "fcntl(F_DUPFD_CLOEXEC)");
  if (handle->kind == Kind::Map) return AdoptMap(env, fd, "dup");
  if (handle->kind == Kind::Program) return AdoptProgram(env, fd, "dup");
  return AdoptLink(env, fd, "dup");
}

Napi::Value OpenHandles(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::lock_guard<std::mutex> lock(registryMutex);
  Napi::Array list = Napi::Array::New(env, Registry().size());
  uint32_t index = 0;
  for (const auto& entry : Registry()) {
    Napi::Object opened = Napi::Object::New(env);
    opened.Set("kind", entry.second.kind);
    opened.Set("call", entry.second.call);
    opened.Set("name", entry.second.name);
    list.Set(index++, opened);
  }
  return list;
}

}  // namespace

Napi::Value AdoptMap(Napi::Env env, int fd, const std::string& call) {
  bpf_map_info info = InfoOrThrow<bpf_map_info>(env, fd);
  auto* handle = new Handle{fd, Kind::Map, info.type, info.key_size, info.value_size, info.max_entries};
  if (IsPerCpu(info.type)) {
    handle->valueBytes = ((info.value_size + 7) & ~7u) * static_cast<uint32_t>(libbpf_num_possible_cpus());
  }
  return Adopt(env, handle, call, info.name);
}

Napi::Value AdoptProgram(Napi::Env env, int fd, const std::string& call) {
  bpf_prog_info info = InfoOrThrow<bpf_prog_info>(env, fd);
  return Adopt(env, new Handle{fd, Kind::Program, info.type}, call, info.name);
}

Napi::Value AdoptLink(Napi::Env env, int fd, const std::string& call) {
  bpf_link_info info = InfoOrThrow<bpf_link_info>(env, fd);
  return Adopt(env, new Handle{fd, Kind::Link, info.type}, call, LinkTypeName(info.type));
}

Handle* HandleOf(Napi::Env env, napi_value value, Kind kind, const char* call) {
  void* data = nullptr;
  if (napi_get_value_external(env, value, &data) != napi_ok || data == nullptr) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", call, std::string("not a ") + KindName(kind));
  }
  auto* handle = static_cast<Handle*>(data);
  if (handle->kind != kind) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", call,
              std::string("wanted a ") + KindName(kind) + ", got a " + KindName(handle->kind));
  }
  if (handle->fd < 0) ThrowCode(env, "ERR_EBPF_CLOSED", call, std::string("the ") + KindName(kind) + " is closed");
  return handle;
}

void RecordOpen(const void* owner, const char* kind, const std::string& call, const std::string& name) {
  std::lock_guard<std::mutex> lock(registryMutex);
  Registry()[owner] = {kind, call, name};
}

void RecordClosed(const void* owner) {
  std::lock_guard<std::mutex> lock(registryMutex);
  Registry().erase(owner);
}

void ExportHandles(Napi::Env env, Napi::Object exports) {
  exports.Set("close", Napi::Function::New<Close>(env, "close"));
  exports.Set("isOpen", Napi::Function::New<IsOpen>(env, "isOpen"));
  exports.Set("pin", Napi::Function::New<Pin>(env, "pin"));
  exports.Set("unpin", Napi::Function::New<Unpin>(env, "unpin"));
  exports.Set("openPinned", Napi::Function::New<OpenPinned>(env, "openPinned"));
  exports.Set("byId", Napi::Function::New<ById>(env, "byId"));
  exports.Set("dup", Napi::Function::New<Dup>(env, "dup"));
  exports.Set("openHandles", Napi::Function::New<OpenHandles>(env, "openHandles"));
}

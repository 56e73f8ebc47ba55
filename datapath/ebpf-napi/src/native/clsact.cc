#include <bpf/libbpf.h>

#include <cerrno>

#include "error.h"
#include "handle.h"
#include "link.h"
#include "netns.h"
#include "print.h"

namespace {

struct Place {
  int ifindex;
  bpf_tc_attach_point point;
  uint32_t handle;
  uint32_t priority;
};

// info[first..]: ifindex, direction, handle, priority
Place PlaceOf(const Napi::CallbackInfo& info, size_t first) {
  bool ingress = info[first + 1].As<Napi::String>().Utf8Value() == "ingress";
  return {info[first].As<Napi::Number>().Int32Value(), ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS,
          info[first + 2].As<Napi::Number>().Uint32Value(), info[first + 3].As<Napi::Number>().Uint32Value()};
}

std::string Describe(const Place& place) {
  return std::string(place.point == BPF_TC_INGRESS ? "ingress" : "egress") + " at ifindex " +
         std::to_string(place.ifindex) + ", handle " + std::to_string(place.handle) + ", priority " +
         std::to_string(place.priority);
}

bpf_tc_hook HookOf(const Place& place) {
  LIBBPF_OPTS(bpf_tc_hook, hook);
  hook.ifindex = place.ifindex;
  hook.attach_point = place.point;
  return hook;
}

bpf_tc_opts OptionsOf(const Place& place) {
  LIBBPF_OPTS(bpf_tc_opts, options);
  options.handle = place.handle;
  options.priority = place.priority;
  return options;
}

// info: program, place, netns path | undefined
Napi::Value AttachClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int program = HandleOf(env, info[0], Kind::Program, "attachClsact")->fd;
  Place place = PlaceOf(info, 1);
  const char* call = "bpf_tc_hook_create";
  std::string said;
  int err = 0;
  uint32_t programId = 0;
  InNetns(env, info[5], [&] {
    PrintCapture prints;
    bpf_tc_hook hook = HookOf(place);
    err = bpf_tc_hook_create(&hook);
    if (err == 0 || err == -EEXIST) {
      call = "bpf_tc_attach";
      bpf_tc_opts options = OptionsOf(place);
      options.prog_fd = program;
      options.flags = BPF_TC_F_REPLACE;
      err = bpf_tc_attach(&hook, &options);
      programId = options.prog_id;
    }
    said = prints.LastLine();
  });
  if (err < 0) ThrowErrno(env, -err, call, Describe(place) + (said.empty() ? "" : ": " + said));
  return Napi::Number::New(env, programId);
}

// info: place, netns path | undefined
Napi::Value DetachClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Place place = PlaceOf(info, 0);
  int err = 0;
  InNetns(env, info[4], [&] {
    PrintCapture prints;
    bpf_tc_hook hook = HookOf(place);
    bpf_tc_opts options = OptionsOf(place);
    err = bpf_tc_detach(&hook, &options);
  });
  if (err < 0) ThrowErrno(env, -err, "bpf_tc_detach", Describe(place));
  return env.Undefined();
}

// info: place, netns path | undefined; the id of the program there, 0 when there is none
Napi::Value QueryClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Place place = PlaceOf(info, 0);
  int err = 0;
  uint32_t programId = 0;
  InNetns(env, info[4], [&] {
    PrintCapture prints;
    bpf_tc_hook hook = HookOf(place);
    bpf_tc_opts options = OptionsOf(place);
    err = bpf_tc_query(&hook, &options);
    programId = options.prog_id;
  });
  // EINVAL: the device has no clsact.
  if (err == -ENOENT || err == -EINVAL) return Napi::Number::New(env, 0);
  if (err < 0) ThrowErrno(env, -err, "bpf_tc_query", Describe(place));
  return Napi::Number::New(env, programId);
}

// info: ifindex, netns path | undefined
Napi::Value DestroyClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ifindex = info[0].As<Napi::Number>().Int32Value();
  int err = 0;
  InNetns(env, info[1], [&] {
    PrintCapture prints;
    LIBBPF_OPTS(bpf_tc_hook, hook);
    hook.ifindex = ifindex;
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    err = bpf_tc_hook_destroy(&hook);
  });
  if (err < 0) ThrowErrno(env, -err, "bpf_tc_hook_destroy", "ifindex " + std::to_string(ifindex));
  return env.Undefined();
}

}  // namespace

void ExportClsact(Napi::Env env, Napi::Object exports) {
  exports.Set("attachClsact", Napi::Function::New<AttachClsact>(env, "attachClsact"));
  exports.Set("detachClsact", Napi::Function::New<DetachClsact>(env, "detachClsact"));
  exports.Set("queryClsact", Napi::Function::New<QueryClsact>(env, "queryClsact"));
  exports.Set("destroyClsact", Napi::Function::New<DestroyClsact>(env, "destroyClsact"));
}

#include "program.h"

#include <bpf/bpf.h>

#include <cstring>
#include <vector>

#include "bytes.h"
#include "handle.h"
#include "names.h"

namespace {

// A loaded program has the same maps for good.
Napi::Value MapIds(Napi::Env env, int fd, uint32_t count) {
  std::vector<uint32_t> ids(count);
  bpf_prog_info kernel;
  memset(&kernel, 0, sizeof(kernel));
  kernel.nr_map_ids = count;
  kernel.map_ids = reinterpret_cast<uintptr_t>(ids.data());
  uint32_t size = sizeof(kernel);
  int err = bpf_obj_get_info_by_fd(fd, &kernel, &size);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  Napi::Array result = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; i++) result.Set(i, ids[i]);
  return result;
}

Napi::Value ProgramInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* program = HandleOf(env, info[0], Kind::Program, "info");
  bpf_prog_info kernel;
  memset(&kernel, 0, sizeof(kernel));
  uint32_t size = sizeof(kernel);
  int err = bpf_obj_get_info_by_fd(program->fd, &kernel, &size);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  char tag[2 * BPF_TAG_SIZE + 1];
  for (int i = 0; i < BPF_TAG_SIZE; i++) snprintf(tag + 2 * i, 3, "%02x", kernel.tag[i]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("name", kernel.name);
  result.Set("type", ProgramTypeName(kernel.type));
  result.Set("id", kernel.id);
  result.Set("tag", tag);
  result.Set("translatedSizeBytes", kernel.xlated_prog_len);
  result.Set("jitedSizeBytes", kernel.jited_prog_len);
  result.Set("verifiedInstructions", kernel.verified_insns);
  result.Set("mapIds", MapIds(env, program->fd, kernel.nr_map_ids));
  return result;
}

bool HasPackets(uint32_t type) {
  switch (type) {
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT:
    case BPF_PROG_TYPE_SOCKET_FILTER:
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_LWT_IN:
    case BPF_PROG_TYPE_LWT_OUT:
    case BPF_PROG_TYPE_LWT_XMIT:
    case BPF_PROG_TYPE_LWT_SEG6LOCAL:
    case BPF_PROG_TYPE_SK_SKB:
      return true;
    default:
      return false;
  }
}

constexpr uint32_t kXdpLiveFrames = 1u << 1;

// info: handle, data | undefined, context | undefined, repeat, flags, cpu, room for the packet after the run, batch size
Napi::Value TestRun(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* program = HandleOf(env, info[0], Kind::Program, "testRun");
  bool packets = HasPackets(program->type);
  uint32_t flags = info[4].As<Napi::Number>().Uint32Value();
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.flags = flags;
  options.cpu = info[5].As<Napi::Number>().Uint32Value();
  options.batch_size = info[7].As<Napi::Number>().Uint32Value();

  std::vector<uint8_t> dataOut;
  if (!info[1].IsUndefined()) {
    Bytes data = BytesOf(env, info[1], "testRun", "data");
    options.data_in = data.data;
    options.data_size_in = static_cast<uint32_t>(data.size);
    bool live = program->type == BPF_PROG_TYPE_XDP && (flags & kXdpLiveFrames) != 0;
    if (packets && !live) {
      dataOut.resize(info[6].As<Napi::Number>().Uint32Value());
      options.data_out = dataOut.data();
      options.data_size_out = static_cast<uint32_t>(dataOut.size());
    }
  }
  std::vector<uint8_t> context;
  std::vector<uint8_t> contextOut;
  if (!info[2].IsUndefined()) {
    Bytes given = BytesOf(env, info[2], "testRun", "context");
    context.assign(given.data, given.data + given.size);
    options.ctx_in = context.data();
    options.ctx_size_in = static_cast<uint32_t>(context.size());
    if (packets && (flags & kXdpLiveFrames) == 0) {
      contextOut.resize(context.size());
      options.ctx_out = contextOut.data();
      options.ctx_size_out = static_cast<uint32_t>(contextOut.size());
    }
  }
  uint32_t repeat = info[3].As<Napi::Number>().Uint32Value();
  bool repeats = packets || program->type == BPF_PROG_TYPE_FLOW_DISSECTOR || program->type == BPF_PROG_TYPE_SK_LOOKUP;
  options.repeat = repeats || repeat > 1 ? static_cast<int>(repeat) : 0;

  int err = bpf_prog_test_run_opts(program->fd, &options);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_PROG_TEST_RUN)");
  Napi::Object result = Napi::Object::New(env);
  result.Set("retval", options.retval);
  result.Set("durationNs", options.duration);
  result.Set("data", CopyOf(env, dataOut.data(), dataOut.empty() ? 0 : options.data_size_out));
  if (!info[2].IsUndefined()) {
    // Programs of type syscall write their context in place.
    if (contextOut.empty()) {
      result.Set("context", CopyOf(env, context.data(), context.size()));
    } else {
      result.Set("context", CopyOf(env, contextOut.data(), options.ctx_size_out));
    }
  }
  return result;
}

}  // namespace

void ExportPrograms(Napi::Env env, Napi::Object exports) {
  exports.Set("programInfo", Napi::Function::New<ProgramInfo>(env, "programInfo"));
  exports.Set("testRun", Napi::Function::New<TestRun>(env, "testRun"));
}

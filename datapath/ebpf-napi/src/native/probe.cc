#include "probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <cmath>

#include <vector>

#include "error.h"
#include "names.h"
#include "print.h"

namespace {

Napi::Value Answer(Napi::Env env, int result, const char* call) {
  if (result < 0) ThrowErrno(env, -result, call);
  return Napi::Boolean::New(env, result == 1);
}

int ProgramTypeOrThrow(Napi::Env env, const std::string& name) {
  int type = ProgramTypeByName(name);
  if (type < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "probe", "unknown program type '" + name + "'");
  return type;
}

Napi::Value ProbeProgramType(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int type = ProgramTypeOrThrow(env, info[0].As<Napi::String>());
  PrintCapture prints;
  return Answer(env, libbpf_probe_bpf_prog_type(static_cast<bpf_prog_type>(type), nullptr),
                "libbpf_probe_bpf_prog_type");
}

Napi::Value ProbeMapType(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string name = info[0].As<Napi::String>();
  int type = MapTypeByName(name);
  if (type < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "probe", "unknown map type '" + name + "'");
  PrintCapture prints;
  return Answer(env, libbpf_probe_bpf_map_type(static_cast<bpf_map_type>(type), nullptr), "libbpf_probe_bpf_map_type");
}

// The verifier wants to know these before it looks at a program of the type.
uint32_t ExpectedAttachType(int programType) {
  switch (programType) {
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
      return BPF_CGROUP_INET4_CONNECT;
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
      return BPF_CGROUP_GETSOCKOPT;
    case BPF_PROG_TYPE_SK_LOOKUP:
      return BPF_SK_LOOKUP;
    default:
      return 0;
  }
}

// Asks the verifier with a program of one call. libbpf's own probe knows only the words of kernels before 6.13 and says
// yes to everything on newer ones.
Napi::Value ProbeHelper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int type = ProgramTypeOrThrow(env, info[0].As<Napi::String>());
  std::string name = info[1].As<Napi::String>();
  int helper = HelperByName(name);
  if (helper < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "probe", "unknown helper '" + name + "'");
  const bpf_insn program[] = {
      {.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = helper},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  std::vector<char> log(16 * 1024);
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.log_buf = log.data();
  options.log_size = static_cast<uint32_t>(log.size());
  options.log_level = 1;
  options.expected_attach_type = static_cast<bpf_attach_type>(ExpectedAttachType(type));
  if (type == BPF_PROG_TYPE_SYSCALL) options.prog_flags = BPF_F_SLEEPABLE;
  int fd = bpf_prog_load(static_cast<bpf_prog_type>(type), nullptr, "GPL", program, 2, &options);
  if (fd >= 0) {
    close(fd);
    return Napi::Boolean::New(env, true);
  }
  std::string said(log.data());
  if (said.empty()) ThrowErrno(env, -fd, "bpf(BPF_PROG_LOAD)", "can't tell");
  bool unknown = said.find("invalid func ") != std::string::npos || said.find("unknown func ") != std::string::npos ||
                 said.find("cannot use helper") != std::string::npos;
  return Napi::Boolean::New(env, !unknown);
}

Napi::Value PossibleCpus(const Napi::CallbackInfo& info) {
  int count = libbpf_num_possible_cpus();
  if (count < 0) ThrowErrno(info.Env(), -count, "libbpf_num_possible_cpus");
  return Napi::Number::New(info.Env(), count);
}

// The clock that moves with the kernel's ticks has a tick for its resolution.
Napi::Value TicksPerSecond(const Napi::CallbackInfo& info) {
  timespec resolution = {};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) ThrowErrno(info.Env(), errno, "clock_getres");
  return Napi::Number::New(info.Env(), std::round(1e9 / (resolution.tv_sec * 1e9 + resolution.tv_nsec)));
}

Napi::Value LibbpfVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), libbpf_version_string());
}

}  // namespace

void ExportProbes(Napi::Env env, Napi::Object exports) {
  exports.Set("probeProgramType", Napi::Function::New<ProbeProgramType>(env, "probeProgramType"));
  exports.Set("probeMapType", Napi::Function::New<ProbeMapType>(env, "probeMapType"));
  exports.Set("probeHelper", Napi::Function::New<ProbeHelper>(env, "probeHelper"));
  exports.Set("possibleCpus", Napi::Function::New<PossibleCpus>(env, "possibleCpus"));
  exports.Set("ticksPerSecond", Napi::Function::New<TicksPerSecond>(env, "ticksPerSecond"));
  exports.Set("libbpfVersion", Napi::Function::New<LibbpfVersion>(env, "libbpfVersion"));
}

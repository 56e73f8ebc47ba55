#include "probe.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>

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

Napi::Value ProbeHelper(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int type = ProgramTypeOrThrow(env, info[0].As<Napi::String>());
  std::string name = info[1].As<Napi::String>();
  int helper = HelperByName(name);
  if (helper < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "probe", "unknown helper '" + name + "'");
  PrintCapture prints;
  return Answer(env, libbpf_probe_bpf_helper(static_cast<bpf_prog_type>(type), static_cast<bpf_func_id>(helper), nullptr),
                "libbpf_probe_bpf_helper");
}

Napi::Value PossibleCpus(const Napi::CallbackInfo& info) {
  int count = libbpf_num_possible_cpus();
  if (count < 0) ThrowErrno(info.Env(), -count, "libbpf_num_possible_cpus");
  return Napi::Number::New(info.Env(), count);
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
  exports.Set("libbpfVersion", Napi::Function::New<LibbpfVersion>(env, "libbpfVersion"));
}

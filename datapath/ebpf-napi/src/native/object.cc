#include "object.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "handle.h"
#include "print.h"
#include "signals.h"

namespace {

// Room for the verifier's log; the pages are touched only as far as a failed load writes.
constexpr size_t kLogBytes = 16 << 20;
constexpr size_t kLogShownBytes = 1 << 20;

void SetMaxEntries(Napi::Env env, bpf_object* object, Napi::Array entries) {
  for (uint32_t i = 0; i < entries.Length(); i++) {
    Napi::Array entry = entries.Get(i).As<Napi::Array>();
    std::string name = entry.Get(0u).As<Napi::String>();
    bpf_map* map = FindMap(object, name);
    if (map == nullptr) ThrowName(env, "map", name);
    Check(env, bpf_map__set_max_entries(map, entry.Get(1u).As<Napi::Number>().Uint32Value()),
          "bpf_map__set_max_entries", name);
  }
}

void LeaveOut(Napi::Env env, bpf_object* object, Napi::Array names) {
  for (uint32_t i = 0; i < names.Length(); i++) {
    std::string name = names.Get(i).As<Napi::String>();
    bpf_program* program = bpf_object__find_program_by_name(object, name.c_str());
    if (program == nullptr) ThrowName(env, "program", name);
    bpf_program__set_autoload(program, false);
  }
}

int DupFd(Napi::Env env, int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) ThrowErrno(env, errno, "fcntl(F_DUPFD_CLOEXEC)");
  return copy;
}

// The program that libbpf complained about last, as it words it: prog 'NAME': …
std::string FailedProgram(const std::string& prints) {
  size_t at = prints.rfind("prog '");
  if (at == std::string::npos) return "";
  size_t end = prints.find('\'', at + 6);
  return end == std::string::npos ? "" : prints.substr(at + 6, end - at - 6);
}

[[noreturn]] void ThrowLoad(Napi::Env env, int err, const char* log, const PrintCapture& prints) {
  size_t length = strnlen(log, kLogBytes);
  std::string program = FailedProgram(prints.text());
  if (length == 0) ThrowErrno(env, err, "bpf_object__load", prints.LastLine());
  size_t shown = std::min(length, kLogShownBytes);
  Napi::Object extra = Napi::Object::New(env);
  extra.Set("log", Napi::String::New(env, log + (length - shown), shown));
  extra.Set("logTruncated", shown < length || length + 1 >= kLogBytes);
  if (!program.empty()) extra.Set("program", program);
  ThrowErrno(env, err, "bpf(BPF_PROG_LOAD)", program.empty() ? "" : "program '" + program + "'", extra);
}

Napi::Value Named(Napi::Env env, const std::string& name, Napi::Value handle) {
  Napi::Array entry = Napi::Array::New(env, 2);
  entry.Set(0u, name);
  entry.Set(1u, handle);
  return entry;
}

// info: source, { maxEntries, variables, pins, without } as arrays of pairs and names
Napi::Value LoadObject(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object options = info[1].As<Napi::Object>();
  std::unique_ptr<char[]> log(new char[kLogBytes]);
  log[0] = '\0';
  PrintCapture prints;
  ObjectPtr object = OpenObject(env, info[0], log.get(), kLogBytes);
  SetMaxEntries(env, object.get(), options.Get("maxEntries").As<Napi::Array>());
  SetVariables(env, object.get(), options.Get("variables").As<Napi::Array>());
  LeaveOut(env, object.get(), options.Get("without").As<Napi::Array>());
  std::vector<NewPin> missing = ReusePins(env, object.get(), options.Get("pins").As<Napi::Array>());
  int err;
  {
    SignalsHeld held;
    err = bpf_object__load(object.get());
  }
  if (err < 0) ThrowLoad(env, -err, log.get(), prints);
  MakePins(env, missing);

  Napi::Array maps = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map(map, object.get()) {
    if (bpf_map__fd(map) < 0) continue;
    Napi::Value handle = AdoptMap(env, DupFd(env, bpf_map__fd(map)), "loadObject");
    maps.Set(maps.Length(), Named(env, MapName(map), handle));
  }
  Napi::Array programs = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program(program, object.get()) {
    if (bpf_program__fd(program) < 0) continue;
    Napi::Value handle = AdoptProgram(env, DupFd(env, bpf_program__fd(program)), "loadObject");
    programs.Set(programs.Length(), Named(env, bpf_program__name(program), handle));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("maps", maps);
  result.Set("programs", programs);
  return result;
}

}  // namespace

void ThrowName(Napi::Env env, const std::string& what, const std::string& name) {
  ThrowCode(env, "ERR_EBPF_NAME", "loadObject", "the object has no " + what + " '" + name + "'");
}

bpf_map* FindMap(bpf_object* object, const std::string& name) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (MapName(map) == name) return map;
  }
  return nullptr;
}

void Check(Napi::Env env, int err, const char* call, const std::string& detail) {
  if (err < 0) ThrowErrno(env, -err, call, detail);
}

std::string MapName(const bpf_map* map) {
  std::string name = bpf_map__name(map);
  size_t dot = name.find('.');
  return bpf_map__is_internal(map) && dot != std::string::npos ? name.substr(dot) : name;
}

ObjectPtr OpenObject(Napi::Env env, Napi::Value source, char* log, size_t logSize) {
  LIBBPF_OPTS(bpf_object_open_opts, options);
  if (log != nullptr) {
    options.kernel_log_buf = log;
    options.kernel_log_size = logSize;
  }
  PrintCapture prints;
  bpf_object* object = nullptr;
  std::string what = "buffer";
  int err = 0;
  if (source.IsString()) {
    what = source.As<Napi::String>();
    object = bpf_object__open_file(what.c_str(), &options);
    err = errno;
  } else {
    Bytes bytes = BytesOf(env, source, "loadObject", "source");
    options.object_name = "buffer";
    object = bpf_object__open_mem(bytes.data, bytes.size, &options);
    err = errno;
  }
  if (object == nullptr) {
    std::string said = prints.LastLine();
    ThrowErrno(env, err, "bpf_object__open", what + (said.empty() ? "" : ": " + said));
  }
  return ObjectPtr(object);
}

void ExportObjects(Napi::Env env, Napi::Object exports) {
  exports.Set("loadObject", Napi::Function::New<LoadObject>(env, "loadObject"));
}

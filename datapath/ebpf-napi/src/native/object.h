#pragma once
#include <bpf/libbpf.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using ObjectPtr = std::unique_ptr<bpf_object, ObjectCloser>;

// Opens a path or a Uint8Array without loading it. `log` may be null.
ObjectPtr OpenObject(Napi::Env env, Napi::Value source, char* log, size_t logSize);

// The map's name in C; ".rodata", ".bss" … for sections.
std::string MapName(const bpf_map* map);

// Null when there is none of that name.
bpf_map* FindMap(bpf_object* object, const std::string& name);

// ERR_EBPF_NAME; `what` is "map", "program" or "variable".
[[noreturn]] void ThrowName(Napi::Env env, const std::string& what, const std::string& name);

// Throws when `err` is negative.
void Check(Napi::Env env, int err, const char* call, const std::string& detail);

// variable.cc: pairs of a name and a BigInt or Uint8Array.
void SetVariables(Napi::Env env, bpf_object* object, Napi::Array variables);

// reuse.cc: pairs of a map's name and a path.
struct NewPin {
  const bpf_map* map;
  std::string path;
};

// Pins that exist are reused now; the others, to be made once the maps exist, come back.
std::vector<NewPin> ReusePins(Napi::Env env, bpf_object* object, Napi::Array pins);

// All of them or none.
void MakePins(Napi::Env env, const std::vector<NewPin>& pins);

void ExportObjects(Napi::Env env, Napi::Object exports);
void ExportBtf(Napi::Env env, Napi::Object exports);

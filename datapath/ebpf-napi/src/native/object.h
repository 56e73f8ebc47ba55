#pragma once
#include <bpf/libbpf.h>
#include <napi.h>

#include <memory>
#include <string>

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using ObjectPtr = std::unique_ptr<bpf_object, ObjectCloser>;

// Opens a path or a Uint8Array without loading it. `log` may be null.
ObjectPtr OpenObject(Napi::Env env, Napi::Value source, char* log, size_t logSize);

// The map's name in C; ".rodata", ".bss" … for sections.
std::string MapName(const bpf_map* map);

void ExportObjects(Napi::Env env, Napi::Object exports);
void ExportBtf(Napi::Env env, Napi::Object exports);

// Owned file descriptors as JavaScript externals: closed by close(), else when collected or when the environment ends.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>

enum class Kind { Map, Program, Link };

struct Handle {
  int fd = -1;
  Kind kind = Kind::Map;
  // BPF_MAP_TYPE_*, BPF_PROG_TYPE_*, BPF_LINK_TYPE_*.
  uint32_t type = 0;
  // Maps: sizes as the system call moves them (a per-CPU value is the values of all possible CPUs).
  uint32_t keySize = 0;
  uint32_t valueBytes = 0;
  uint32_t maxEntries = 0;
};

// Takes the descriptor over: closes it also when it throws. `call` and `name` are shown by openHandles().
Napi::Value AdoptMap(Napi::Env env, int fd, const std::string& call);
Napi::Value AdoptProgram(Napi::Env env, int fd, const std::string& call);
Napi::Value AdoptLink(Napi::Env env, int fd, const std::string& call);

// The open handle behind a value; throws ERR_EBPF_CLOSED after close().
Handle* HandleOf(Napi::Env env, napi_value value, Kind kind, const char* call);

// For things other than handles that hold descriptors: shown by openHandles() from RecordOpen to RecordClosed.
void RecordOpen(const void* owner, const char* kind, const std::string& call, const std::string& name);
void RecordClosed(const void* owner);

void ExportHandles(Napi::Env env, Napi::Object exports);

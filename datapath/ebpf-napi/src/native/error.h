// Every failure reaches JavaScript as an EbpfError: the class is handed in once per environment by setErrorClass().
#pragma once
#include <napi.h>

#include <string>

struct AddonData {
  Napi::FunctionReference errorClass;
};

// A failed system or libbpf call; `err` is a positive errno.
[[noreturn]] void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail = "");
[[noreturn]] void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail,
                             Napi::Object extra);

// A failure without an errno of the kernel's; `code` is one of the ERR_EBPF_ words.
[[noreturn]] void ThrowCode(Napi::Env env, const char* code, const std::string& call, const std::string& detail);
[[noreturn]] void ThrowCode(Napi::Env env, const char* code, const std::string& call, const std::string& detail,
                            Napi::Object extra);

void ExportErrors(Napi::Env env, Napi::Object exports);

// Every failure reaches JavaScript as a NetnsError: the class is handed in once per environment by setErrorClass().
#pragma once
#include <napi.h>

#include <string>

struct AddonData {
  Napi::FunctionReference errorClass;
};

// The error as a value; `err` is a positive errno.
Napi::Value MakeError(Napi::Env env, int err, const std::string& call, const std::string& detail);

[[noreturn]] void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail = "");

void ExportErrors(Napi::Env env, Napi::Object exports);

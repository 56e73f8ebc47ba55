#include "error.h"

namespace {

[[noreturn]] void Throw(Napi::Env env, Napi::Value code, const std::string& call, const std::string& detail,
                        Napi::Value extra) {
  AddonData* data = env.GetInstanceData<AddonData>();
  Napi::Object error =
      data->errorClass.New({code, Napi::String::New(env, call), Napi::String::New(env, detail), extra});
  throw Napi::Error(env, error);
}

Napi::Value SetErrorClass(const Napi::CallbackInfo& info) {
  AddonData* data = info.Env().GetInstanceData<AddonData>();
  data->errorClass = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

}  // namespace

void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail) {
  Throw(env, Napi::Number::New(env, err), call, detail, env.Undefined());
}

void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail, Napi::Object extra) {
  Throw(env, Napi::Number::New(env, err), call, detail, extra);
}

void ThrowCode(Napi::Env env, const char* code, const std::string& call, const std::string& detail) {
  Throw(env, Napi::String::New(env, code), call, detail, env.Undefined());
}

void ThrowCode(Napi::Env env, const char* code, const std::string& call, const std::string& detail,
               Napi::Object extra) {
  Throw(env, Napi::String::New(env, code), call, detail, extra);
}

void ExportErrors(Napi::Env env, Napi::Object exports) {
  exports.Set("setErrorClass", Napi::Function::New<SetErrorClass>(env, "setErrorClass"));
}

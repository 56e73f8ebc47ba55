#include "error.h"

namespace {

Napi::Value SetErrorClass(const Napi::CallbackInfo& info) {
  AddonData* data = info.Env().GetInstanceData<AddonData>();
  data->errorClass = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

}  // namespace

Napi::Value MakeError(Napi::Env env, int err, const std::string& call, const std::string& detail) {
  AddonData* data = env.GetInstanceData<AddonData>();
  return data->errorClass.New(
      {Napi::Number::New(env, err), Napi::String::New(env, call), Napi::String::New(env, detail)});
}

void ThrowErrno(Napi::Env env, int err, const std::string& call, const std::string& detail) {
  throw Napi::Error(env, MakeError(env, err, call, detail));
}

void ExportErrors(Napi::Env env, Napi::Object exports) {
  exports.Set("setErrorClass", Napi::Function::New<SetErrorClass>(env, "setErrorClass"));
}

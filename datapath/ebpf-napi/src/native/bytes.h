// Views of JavaScript's Uint8Arrays.
#pragma once
#include <napi.h>

#include <cstring>
#include <string>

#include "error.h"

struct Bytes {
  uint8_t* data;
  size_t size;
};

inline Bytes BytesOf(Napi::Env env, napi_value value, const char* call, const char* what) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_status status = napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  if (status != napi_ok || (type != napi_uint8_array && type != napi_uint8_clamped_array)) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", call, std::string(what) + " must be a Uint8Array");
  }
  return {static_cast<uint8_t*>(data), length};
}

// The kernel reads and writes as many bytes as the map says, so nothing shorter may reach it.
inline uint8_t* SizedBytes(Napi::Env env, napi_value value, size_t size, const char* call, const char* what) {
  Bytes bytes = BytesOf(env, value, call, what);
  if (bytes.size != size) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", call,
              std::string(what) + " must have " + std::to_string(size) + " bytes, not " + std::to_string(bytes.size));
  }
  return bytes.data;
}

inline uint8_t* AtLeastBytes(Napi::Env env, napi_value value, size_t size, const char* call, const char* what) {
  Bytes bytes = BytesOf(env, value, call, what);
  if (bytes.size < size) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", call,
              std::string(what) + " must have at least " + std::to_string(size) + " bytes, not " +
                  std::to_string(bytes.size));
  }
  return bytes.data;
}

inline Napi::Uint8Array CopyOf(Napi::Env env, const void* data, size_t size) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, size);
  if (size != 0) memcpy(array.Data(), data, size);
  return array;
}

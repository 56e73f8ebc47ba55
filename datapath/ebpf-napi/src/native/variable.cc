#include <bpf/btf.h>

#include <cstring>

#include "bytes.h"
#include "object.h"

namespace {

struct Place {
  uint8_t* data = nullptr;
  size_t size = 0;
};

Place SectionBytes(bpf_object* object, const std::string& section) {
  bpf_map* map = FindMap(object, section);
  if (map == nullptr) return {};
  size_t size = 0;
  void* data = const_cast<void*>(static_cast<const void*>(bpf_map__initial_value(map, &size)));
  return {static_cast<uint8_t*>(data), size};
}

// A variable by its name in C, through the data sections' BTF.
Place VariableBytes(bpf_object* object, const std::string& name) {
  const btf* types = bpf_object__btf(object);
  if (types == nullptr) return {};
  uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; id++) {
    const btf_type* section = btf__type_by_id(types, id);
    if (!btf_is_datasec(section)) continue;
    const btf_var_secinfo* entries = btf_var_secinfos(section);
    for (uint32_t i = 0; i < btf_vlen(section); i++) {
      const btf_type* variable = btf__type_by_id(types, entries[i].type);
      if (name != btf__name_by_offset(types, variable->name_off)) continue;
      Place bytes = SectionBytes(object, btf__name_by_offset(types, section->name_off));
      if (bytes.data == nullptr || entries[i].offset + entries[i].size > bytes.size) return {};
      return {bytes.data + entries[i].offset, entries[i].size};
    }
  }
  return {};
}

void SetScalar(Napi::Env env, const std::string& name, Place place, Napi::BigInt value) {
  bool fitsSigned = false;
  bool fitsUnsigned = false;
  int64_t asSigned = value.Int64Value(&fitsSigned);
  uint64_t asUnsigned = value.Uint64Value(&fitsUnsigned);
  unsigned bits = static_cast<unsigned>(place.size * 8);
  bool fits = place.size == 8 ? fitsSigned || fitsUnsigned
                              : (fitsUnsigned && (asUnsigned >> bits) == 0) ||
                                    (fitsSigned && asSigned < 0 && asSigned >= -(int64_t{1} << (bits - 1)));
  if ((place.size != 1 && place.size != 2 && place.size != 4 && place.size != 8) || !fits) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", "loadObject",
              "variable '" + name + "' of " + std::to_string(place.size) + " bytes can't hold " +
                  value.ToString().Utf8Value());
  }
  uint64_t bytes = fitsSigned ? static_cast<uint64_t>(asSigned) : asUnsigned;
  if (place.size == 1) *place.data = static_cast<uint8_t>(bytes);
  uint16_t two = static_cast<uint16_t>(bytes);
  uint32_t four = static_cast<uint32_t>(bytes);
  if (place.size == 2) memcpy(place.data, &two, 2);
  if (place.size == 4) memcpy(place.data, &four, 4);
  if (place.size == 8) memcpy(place.data, &bytes, 8);
}

}  // namespace

void SetVariables(Napi::Env env, bpf_object* object, Napi::Array variables) {
  for (uint32_t i = 0; i < variables.Length(); i++) {
    Napi::Array entry = variables.Get(i).As<Napi::Array>();
    std::string name = entry.Get(0u).As<Napi::String>();
    Napi::Value value = entry.Get(1u);
    Place place = name[0] == '.' ? SectionBytes(object, name) : VariableBytes(object, name);
    if (place.data == nullptr) ThrowName(env, "variable", name);
    if (value.IsBigInt()) {
      SetScalar(env, name, place, value.As<Napi::BigInt>());
    } else {
      memcpy(place.data, SizedBytes(env, value, place.size, "loadObject", ("variable '" + name + "'").c_str()),
             place.size);
    }
  }
}

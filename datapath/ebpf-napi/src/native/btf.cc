#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/btf.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "bytes.h"
#include "handle.h"
#include "names.h"
#include "object.h"
#include "print.h"

namespace {

// Newer than some systems' headers.
constexpr uint32_t kKindTypeTag = 18;
constexpr uint32_t kKindEnum64 = 19;

struct BtfCloser {
  void operator()(btf* types) const { btf__free(types); }
};
using BtfPtr = std::unique_ptr<btf, BtfCloser>;

class Describer {
 public:
  Describer(Napi::Env env, const btf* types) : env_(env), types_(types) {}

  Napi::Object Describe(uint32_t id) {
    const btf_type* type = Resolve(&id);
    Napi::Object result = Napi::Object::New(env_);
    uint32_t kind = type == nullptr ? 0u : static_cast<uint32_t>(btf_kind(type));
    switch (kind) {
      case BTF_KIND_INT:
        Named(result, "int", type, type->size);
        result.Set("signed", (btf_int_encoding(type) & BTF_INT_SIGNED) != 0);
        result.Set("bool", (btf_int_encoding(type) & BTF_INT_BOOL) != 0);
        return result;
      case BTF_KIND_ENUM:
      case kKindEnum64:
        Named(result, "enum", type, type->size);
        result.Set("values", EnumValues(type, kind));
        return result;
      case BTF_KIND_ARRAY:
        result.Set("kind", "array");
        result.Set("length", btf_array(type)->nelems);
        result.Set("element", Describe(btf_array(type)->type));
        return result;
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        Named(result, kind == BTF_KIND_STRUCT ? "struct" : "union", type, type->size);
        result.Set("members", Members(type));
        return result;
      default: {
        int64_t size = btf__resolve_size(types_, static_cast<int>(id));
        result.Set("kind", "other");
        result.Set("name", type == nullptr ? "void" : Name(type));
        result.Set("size", static_cast<double>(size < 0 ? 0 : size));
        return result;
      }
    }
  }

 private:
  const btf_type* Resolve(uint32_t* id) {
    const btf_type* type = btf__type_by_id(types_, *id);
    while (type != nullptr && (btf_is_mod(type) || btf_is_typedef(type) ||
                               static_cast<uint32_t>(btf_kind(type)) == kKindTypeTag)) {
      *id = type->type;
      type = btf__type_by_id(types_, *id);
    }
    return *id == 0 ? nullptr : type;
  }

  std::string Name(const btf_type* type) {
    const char* name = btf__name_by_offset(types_, type->name_off);
    return name == nullptr ? "" : name;
  }

  void Named(Napi::Object result, const char* kind, const btf_type* type, uint32_t size) {
    result.Set("kind", kind);
    result.Set("name", Name(type));
    result.Set("size", size);
  }

  Napi::Object EnumValues(const btf_type* type, uint32_t kind) {
    Napi::Object values = Napi::Object::New(env_);
    bool isSigned = btf_kflag(type);
    for (uint32_t i = 0; i < btf_vlen(type); i++) {
      if (kind == BTF_KIND_ENUM) {
        const struct btf_enum& value = btf_enum(type)[i];
        const char* name = btf__name_by_offset(types_, value.name_off);
        double number = isSigned || value.val < 0 ? value.val : static_cast<double>(static_cast<uint32_t>(value.val));
        values.Set(name, number);
      } else {
        struct Value64 {
          uint32_t name;
          uint32_t low;
          uint32_t high;
        };
        const Value64& value = reinterpret_cast<const Value64*>(type + 1)[i];
        uint64_t number = (static_cast<uint64_t>(value.high) << 32) | value.low;
        values.Set(btf__name_by_offset(types_, value.name),
                   isSigned ? static_cast<double>(static_cast<int64_t>(number)) : static_cast<double>(number));
      }
    }
    return values;
  }

  Napi::Array Members(const btf_type* type) {
    Napi::Array members = Napi::Array::New(env_, btf_vlen(type));
    for (uint32_t i = 0; i < btf_vlen(type); i++) {
      const btf_member& member = btf_members(type)[i];
      Napi::Object entry = Napi::Object::New(env_);
      entry.Set("name", btf__name_by_offset(types_, member.name_off));
      entry.Set("offsetBits", btf_member_bit_offset(type, i));
      uint32_t bits = btf_member_bitfield_size(type, i);
      if (bits != 0) entry.Set("bits", bits);
      entry.Set("type", Describe(member.type));
      members.Set(i, entry);
    }
    return members;
  }

  Napi::Env env_;
  const btf* types_;
};

// Maps of pure sizes and keyless maps have no types.
void SetTypes(Napi::Env env, Napi::Object layout, const btf* types, uint32_t keyType, uint32_t valueType) {
  if (types == nullptr) return;
  Describer describer(env, types);
  if (keyType != 0) layout.Set("key", describer.Describe(keyType));
  if (valueType != 0) layout.Set("value", describer.Describe(valueType));
}

// Every named struct, union and enum.
Napi::Object NamedTypes(Napi::Env env, const btf* types) {
  Napi::Object named = Napi::Object::New(env);
  if (types == nullptr) return named;
  Describer describer(env, types);
  uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; id++) {
    const btf_type* type = btf__type_by_id(types, id);
    bool wanted = btf_is_composite(type) || btf_is_any_enum(type);
    const char* name = btf__name_by_offset(types, type->name_off);
    if (wanted && name != nullptr && name[0] != '\0') named.Set(name, describer.Describe(id));
  }
  return named;
}

// info: source
Napi::Value ReadLayout(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  ObjectPtr object = OpenObject(env, info[0], nullptr, 0);
  const btf* types = bpf_object__btf(object.get());
  Napi::Array maps = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map(map, object.get()) {
    Napi::Object layout = Napi::Object::New(env);
    layout.Set("name", MapName(map));
    layout.Set("type", MapTypeName(bpf_map__type(map)));
    layout.Set("keySize", bpf_map__key_size(map));
    layout.Set("valueSize", bpf_map__value_size(map));
    layout.Set("maxEntries", bpf_map__max_entries(map));
    layout.Set("flags", bpf_map__map_flags(map));
    SetTypes(env, layout, types, bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map));
    maps.Set(maps.Length(), layout);
  }
  Napi::Array programs = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program(program, object.get()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    entry.Set("type", ProgramTypeName(bpf_program__type(program)));
    programs.Set(programs.Length(), entry);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("maps", maps);
  result.Set("programs", programs);
  result.Set("types", NamedTypes(env, types));
  return result;
}

// info: map; { key?, value? } as the kernel knows them
Napi::Value MapTypes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "layout");
  bpf_map_info kernel;
  memset(&kernel, 0, sizeof(kernel));
  uint32_t size = sizeof(kernel);
  int err = bpf_obj_get_info_by_fd(map->fd, &kernel, &size);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  Napi::Object result = Napi::Object::New(env);
  if (kernel.btf_id == 0) return result;
  PrintCapture prints;
  BtfPtr types(btf__load_from_kernel_by_id(kernel.btf_id));
  if (!types) ThrowErrno(env, errno, "btf__load_from_kernel_by_id");
  SetTypes(env, result, types.get(), kernel.btf_key_type_id, kernel.btf_value_type_id);
  return result;
}

}  // namespace

void ExportBtf(Napi::Env env, Napi::Object exports) {
  exports.Set("readLayout", Napi::Function::New<ReadLayout>(env, "readLayout"));
  exports.Set("mapTypes", Napi::Function::New<MapTypes>(env, "mapTypes"));
}

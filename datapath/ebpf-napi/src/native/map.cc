#include "map.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "handle.h"
#include "names.h"

namespace {

Napi::Value CreateMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object spec = info[0].As<Napi::Object>();
  std::string typeName = spec.Get("type").As<Napi::String>();
  std::string name = spec.Get("name").As<Napi::String>();
  int type = MapTypeByName(typeName);
  if (type < 0) ThrowCode(env, "ERR_EBPF_ARGUMENT", "createMap", "unknown map type '" + typeName + "'");
  LIBBPF_OPTS(bpf_map_create_opts, options);
  options.map_flags = spec.Get("flags").As<Napi::Number>().Uint32Value();
  if (!spec.Get("inner").IsUndefined()) {
    options.inner_map_fd = HandleOf(env, spec.Get("inner"), Kind::Map, "createMap")->fd;
  }
  int fd = bpf_map_create(static_cast<bpf_map_type>(type), name.c_str(),
                          spec.Get("keySize").As<Napi::Number>().Uint32Value(),
                          spec.Get("valueSize").As<Napi::Number>().Uint32Value(),
                          spec.Get("maxEntries").As<Napi::Number>().Uint32Value(), &options);
  if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_MAP_CREATE)", typeName + " '" + name + "'");
  return AdoptMap(env, fd, "bpf(BPF_MAP_CREATE)");
}

Napi::Value MapInfo(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "info");
  bpf_map_info kernel;
  memset(&kernel, 0, sizeof(kernel));
  uint32_t size = sizeof(kernel);
  int err = bpf_obj_get_info_by_fd(map->fd, &kernel, &size);
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
  Napi::Object result = Napi::Object::New(env);
  result.Set("name", kernel.name);
  result.Set("type", MapTypeName(kernel.type));
  result.Set("keySize", kernel.key_size);
  result.Set("valueSize", kernel.value_size);
  result.Set("valueBytes", map->valueBytes);
  result.Set("maxEntries", kernel.max_entries);
  result.Set("flags", kernel.map_flags);
  result.Set("id", kernel.id);
  return result;
}

Napi::Value Lookup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "lookup");
  uint8_t* key = SizedBytes(env, info[1], map->keySize, "lookup", "key");
  uint8_t* value = SizedBytes(env, info[2], map->valueBytes, "lookup", "value");
  int err = bpf_map_lookup_elem(map->fd, key, value);
  if (err < 0 && err != -ENOENT) ThrowErrno(env, -err, "bpf(BPF_MAP_LOOKUP_ELEM)");
  return Napi::Boolean::New(env, err == 0);
}

Napi::Value Update(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "update");
  uint8_t* key = SizedBytes(env, info[1], map->keySize, "update", "key");
  uint8_t* value = SizedBytes(env, info[2], map->valueBytes, "update", "value");
  int err = bpf_map_update_elem(map->fd, key, value, info[3].As<Napi::Number>().Uint32Value());
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_MAP_UPDATE_ELEM)");
  return env.Undefined();
}

// Maps of maps and program arrays take a descriptor as their value.
Napi::Value UpdateFd(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "update");
  uint8_t* key = SizedBytes(env, info[1], map->keySize, "update", "key");
  if (map->valueBytes != sizeof(uint32_t)) {
    ThrowCode(env, "ERR_EBPF_ARGUMENT", "update", "the map's values can't hold a descriptor");
  }
  Kind kind = map->type == BPF_MAP_TYPE_PROG_ARRAY ? Kind::Program : Kind::Map;
  uint32_t fd = static_cast<uint32_t>(HandleOf(env, info[2], kind, "update")->fd);
  int err = bpf_map_update_elem(map->fd, key, &fd, info[3].As<Napi::Number>().Uint32Value());
  if (err < 0) ThrowErrno(env, -err, "bpf(BPF_MAP_UPDATE_ELEM)");
  return env.Undefined();
}

Napi::Value Delete(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "delete");
  uint8_t* key = SizedBytes(env, info[1], map->keySize, "delete", "key");
  int err = bpf_map_delete_elem(map->fd, key);
  if (err < 0 && err != -ENOENT) ThrowErrno(env, -err, "bpf(BPF_MAP_DELETE_ELEM)");
  return Napi::Boolean::New(env, err == 0);
}

// The buffer stays good after the map's close(): the mapping holds the map.
Napi::Value MapMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "mmap");
  size_t size = static_cast<size_t>((map->valueBytes + 7) & ~7u) * map->maxEntries;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
  if (memory == MAP_FAILED) ThrowErrno(env, errno, "mmap");
  return Napi::ArrayBuffer::New(env, memory, size, [size](Napi::Env, void* data) { munmap(data, size); });
}

}  // namespace

void ExportMaps(Napi::Env env, Napi::Object exports) {
  exports.Set("createMap", Napi::Function::New<CreateMap>(env, "createMap"));
  exports.Set("mapInfo", Napi::Function::New<MapInfo>(env, "mapInfo"));
  exports.Set("lookup", Napi::Function::New<Lookup>(env, "lookup"));
  exports.Set("update", Napi::Function::New<Update>(env, "update"));
  exports.Set("updateFd", Napi::Function::New<UpdateFd>(env, "updateFd"));
  exports.Set("delete", Napi::Function::New<Delete>(env, "delete"));
  exports.Set("mapMemory", Napi::Function::New<MapMemory>(env, "mapMemory"));
}

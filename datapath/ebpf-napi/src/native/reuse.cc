#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"
#include "names.h"
#include "object.h"

namespace {

void SetDifference(Napi::Env env, Napi::Object differences, const char* field, uint32_t expected, uint32_t found) {
  if (expected == found) return;
  Napi::Object difference = Napi::Object::New(env);
  difference.Set("expected", expected);
  difference.Set("found", found);
  differences.Set(field, difference);
}

// Programs may only meet a map of the geometry that they were compiled for.
void CheckGeometry(Napi::Env env, const bpf_map* map, int fd, const std::string& name, const std::string& path) {
  bpf_map_info found;
  memset(&found, 0, sizeof(found));
  uint32_t size = sizeof(found);
  int err = bpf_obj_get_info_by_fd(fd, &found, &size);
  if (err < 0) {
    close(fd);
    ThrowErrno(env, -err, "bpf(BPF_OBJ_GET_INFO_BY_FD)", path);
  }
  Napi::Object differences = Napi::Object::New(env);
  if (bpf_map__type(map) != found.type) {
    Napi::Object difference = Napi::Object::New(env);
    difference.Set("expected", MapTypeName(bpf_map__type(map)));
    difference.Set("found", MapTypeName(found.type));
    differences.Set("type", difference);
  }
  SetDifference(env, differences, "keySize", bpf_map__key_size(map), found.key_size);
  SetDifference(env, differences, "valueSize", bpf_map__value_size(map), found.value_size);
  SetDifference(env, differences, "maxEntries", bpf_map__max_entries(map), found.max_entries);
  SetDifference(env, differences, "flags", bpf_map__map_flags(map), found.map_flags);
  Napi::Array fields = differences.GetPropertyNames();
  if (fields.Length() == 0) return;
  close(fd);
  std::string list;
  for (uint32_t i = 0; i < fields.Length(); i++) {
    Napi::Value field = fields.Get(i);
    Napi::Object difference = differences.Get(field).As<Napi::Object>();
    list += (i == 0 ? "" : ", ") + field.As<Napi::String>().Utf8Value() + " " +
            difference.Get("found").ToString().Utf8Value() + " instead of " +
            difference.Get("expected").ToString().Utf8Value();
  }
  Napi::Object mismatch = Napi::Object::New(env);
  mismatch.Set("map", name);
  mismatch.Set("path", path);
  mismatch.Set("differences", differences);
  Napi::Object extra = Napi::Object::New(env);
  extra.Set("mismatch", mismatch);
  extra.Set("errno", EEXIST);
  ThrowCode(env, "ERR_EBPF_PIN_MISMATCH", "loadObject", "map '" + name + "' pinned at " + path + " has " + list,
            extra);
}

}  // namespace

std::vector<NewPin> ReusePins(Napi::Env env, bpf_object* object, Napi::Array pins) {
  std::vector<NewPin> missing;
  for (uint32_t i = 0; i < pins.Length(); i++) {
    Napi::Array entry = pins.Get(i).As<Napi::Array>();
    std::string name = entry.Get(0u).As<Napi::String>();
    std::string path = entry.Get(1u).As<Napi::String>();
    bpf_map* map = FindMap(object, name);
    if (map == nullptr) ThrowName(env, "map", name);
    int fd = bpf_obj_get(path.c_str());
    if (fd == -ENOENT) {
      missing.push_back({map, path});
      continue;
    }
    if (fd < 0) ThrowErrno(env, -fd, "bpf(BPF_OBJ_GET)", path);
    CheckGeometry(env, map, fd, name, path);
    int err = bpf_map__reuse_fd(map, fd);
    close(fd);
    Check(env, err, "bpf_map__reuse_fd", path);
  }
  return missing;
}

void MakePins(Napi::Env env, const std::vector<NewPin>& pins) {
  for (size_t i = 0; i < pins.size(); i++) {
    int err = bpf_obj_pin(bpf_map__fd(pins[i].map), pins[i].path.c_str());
    if (err == 0) continue;
    for (size_t made = 0; made < i; made++) unlink(pins[made].path.c_str());
    ThrowErrno(env, -err, "bpf(BPF_OBJ_PIN)", pins[i].path);
  }
}

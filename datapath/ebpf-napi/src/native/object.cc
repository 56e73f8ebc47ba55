#include "object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "bytes.h"
#include "handle.h"
#include "names.h"
#include "print.h"

namespace {

// Room for the verifier's log; the pages are touched only as far as a failed load writes.
constexpr size_t kLogBytes = 16 << 20;
constexpr size_t kLogShownBytes = 1 << 20;

[[noreturn]] void ThrowName(Napi::Env env, const std::string& what, const std::string& name) {
  ThrowCode(env, "ERR_EBPF_NAME", "loadObject", "the object has no " + what + " '" + name + "'");
}

bpf_map* FindMap(bpf_object* object, const std::string& name) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (MapName(map) == name) return map;
  }
  return nullptr;
}

void Check(Napi::Env env, int err, const char* call, const std::string& detail) {
  if (err < 0) ThrowErrno(env, -err, call, detail);
}

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

void SetMaxEntries(Napi::Env env, bpf_object* object, Napi::Array entries) {
  for (uint32_t i = 0; i < entries.Length(); i++) {
    Napi::Array entry = entries.Get(i).As<Napi::Array>();
    std::string name = entry.Get(0u).As<Napi::String>();
    bpf_map* map = FindMap(object, name);
    if (map == nullptr) ThrowName(env, "map", name);
    Check(env, bpf_map__set_max_entries(map, entry.Get(1u).As<Napi::Number>().Uint32Value()),
          "bpf_map__set_max_entries", name);
  }
}

void LeaveOut(Napi::Env env, bpf_object* object, Napi::Array names) {
  for (uint32_t i = 0; i < names.Length(); i++) {
    std::string name = names.Get(i).As<Napi::String>();
    bpf_program* program = bpf_object__find_program_by_name(object, name.c_str());
    if (program == nullptr) ThrowName(env, "program", name);
    bpf_program__set_autoload(program, false);
  }
}

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

struct NewPin {
  const bpf_map* map;
  std::string path;
};

// Pins that exist are reused now; the others are made once the maps exist.
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

// All of them or none.
void MakePins(Napi::Env env, const std::vector<NewPin>& pins) {
  for (size_t i = 0; i < pins.size(); i++) {
    int err = bpf_obj_pin(bpf_map__fd(pins[i].map), pins[i].path.c_str());
    if (err == 0) continue;
    for (size_t made = 0; made < i; made++) unlink(pins[made].path.c_str());
    ThrowErrno(env, -err, "bpf(BPF_OBJ_PIN)", pins[i].path);
  }
}

int DupFd(Napi::Env env, int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) ThrowErrno(env, errno, "fcntl(F_DUPFD_CLOEXEC)");
  return copy;
}

// The program that libbpf complained about last, as it words it: prog 'NAME': …
std::string FailedProgram(const std::string& prints) {
  size_t at = prints.rfind("prog '");
  if (at == std::string::npos) return "";
  size_t end = prints.find('\'', at + 6);
  return end == std::string::npos ? "" : prints.substr(at + 6, end - at - 6);
}

[[noreturn]] void ThrowLoad(Napi::Env env, int err, const char* log, const PrintCapture& prints) {
  size_t length = strnlen(log, kLogBytes);
  std::string program = FailedProgram(prints.text());
  if (length == 0) ThrowErrno(env, err, "bpf_object__load", prints.LastLine());
  size_t shown = std::min(length, kLogShownBytes);
  Napi::Object extra = Napi::Object::New(env);
  extra.Set("log", Napi::String::New(env, log + (length - shown), shown));
  extra.Set("logTruncated", shown < length || length + 1 >= kLogBytes);
  if (!program.empty()) extra.Set("program", program);
  ThrowErrno(env, err, "bpf(BPF_PROG_LOAD)", program.empty() ? "" : "program '" + program + "'", extra);
}

Napi::Value Named(Napi::Env env, const std::string& name, Napi::Value handle) {
  Napi::Array entry = Napi::Array::New(env, 2);
  entry.Set(0u, name);
  entry.Set(1u, handle);
  return entry;
}

// info: source, { maxEntries, variables, pins, without } as arrays of pairs and names
Napi::Value LoadObject(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object options = info[1].As<Napi::Object>();
  std::unique_ptr<char[]> log(new char[kLogBytes]);
  log[0] = '\0';
  PrintCapture prints;
  ObjectPtr object = OpenObject(env, info[0], log.get(), kLogBytes);
  SetMaxEntries(env, object.get(), options.Get("maxEntries").As<Napi::Array>());
  SetVariables(env, object.get(), options.Get("variables").As<Napi::Array>());
  LeaveOut(env, object.get(), options.Get("without").As<Napi::Array>());
  std::vector<NewPin> missing = ReusePins(env, object.get(), options.Get("pins").As<Napi::Array>());
  int err = bpf_object__load(object.get());
  if (err < 0) ThrowLoad(env, -err, log.get(), prints);
  MakePins(env, missing);

  Napi::Array maps = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map(map, object.get()) {
    if (bpf_map__fd(map) < 0) continue;
    Napi::Value handle = AdoptMap(env, DupFd(env, bpf_map__fd(map)), "loadObject");
    maps.Set(maps.Length(), Named(env, MapName(map), handle));
  }
  Napi::Array programs = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program(program, object.get()) {
    if (bpf_program__fd(program) < 0) continue;
    Napi::Value handle = AdoptProgram(env, DupFd(env, bpf_program__fd(program)), "loadObject");
    programs.Set(programs.Length(), Named(env, bpf_program__name(program), handle));
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("maps", maps);
  result.Set("programs", programs);
  return result;
}

}  // namespace

std::string MapName(const bpf_map* map) {
  std::string name = bpf_map__name(map);
  size_t dot = name.find('.');
  return bpf_map__is_internal(map) && dot != std::string::npos ? name.substr(dot) : name;
}

ObjectPtr OpenObject(Napi::Env env, Napi::Value source, char* log, size_t logSize) {
  LIBBPF_OPTS(bpf_object_open_opts, options);
  if (log != nullptr) {
    options.kernel_log_buf = log;
    options.kernel_log_size = logSize;
  }
  PrintCapture prints;
  bpf_object* object = nullptr;
  std::string what = "buffer";
  int err = 0;
  if (source.IsString()) {
    what = source.As<Napi::String>();
    object = bpf_object__open_file(what.c_str(), &options);
    err = errno;
  } else {
    Bytes bytes = BytesOf(env, source, "loadObject", "source");
    options.object_name = "buffer";
    object = bpf_object__open_mem(bytes.data, bytes.size, &options);
    err = errno;
  }
  if (object == nullptr) {
    std::string said = prints.LastLine();
    ThrowErrno(env, err, "bpf_object__open", what + (said.empty() ? "" : ": " + said));
  }
  return ObjectPtr(object);
}

void ExportObjects(Napi::Env env, Napi::Object exports) {
  exports.Set("loadObject", Napi::Function::New<LoadObject>(env, "loadObject"));
}

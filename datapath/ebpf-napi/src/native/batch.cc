#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "bytes.h"
#include "handle.h"
#include "map.h"

namespace {

// The kernel's internal ENOTSUPP, which some map types let out.
constexpr int kNotSupported = 524;
constexpr uint32_t kChunkEntries = 8192;

bool Unsupported(int err) { return err == -kNotSupported || err == -EINVAL || err == -EOPNOTSUPP; }

struct Entries {
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
  size_t count = 0;
};

void Reserve(const Handle& map, Entries& entries, size_t count) {
  if (entries.keys.size() < count * map.keySize) entries.keys.resize(count * map.keySize);
  if (entries.values.size() < count * map.valueBytes) entries.values.resize(count * map.valueBytes);
}

// One by one, for map types without a batch lookup. A key that goes away under the walk makes the kernel start over,
// so the walk ends after as many steps as the map can have entries.
int Walk(const Handle& map, Entries& entries) {
  std::vector<uint8_t> key(map.keySize);
  std::vector<uint8_t> next(map.keySize);
  bool first = true;
  for (uint32_t step = 0; step < map.maxEntries; step++) {
    int err = bpf_map_get_next_key(map.fd, first ? nullptr : key.data(), next.data());
    if (err == -ENOENT) return 0;
    if (err < 0) return err;
    first = false;
    key.swap(next);
    Reserve(map, entries, entries.count + 1);
    err = bpf_map_lookup_elem(map.fd, key.data(), entries.values.data() + entries.count * map.valueBytes);
    if (err == -ENOENT) continue;
    if (err < 0) return err;
    memcpy(entries.keys.data() + entries.count * map.keySize, key.data(), map.keySize);
    entries.count++;
  }
  return 0;
}

int ReadAll(const Handle& map, Entries& entries, const char** call) {
  *call = "bpf(BPF_MAP_LOOKUP_BATCH)";
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  std::vector<uint8_t> cursor(std::max<size_t>(map.keySize, 8));
  uint32_t chunk = std::max(1u, std::min(map.maxEntries, kChunkEntries));
  bool first = true;
  while (true) {
    Reserve(map, entries, entries.count + chunk);
    uint32_t count = chunk;
    int err = bpf_map_lookup_batch(map.fd, first ? nullptr : cursor.data(), cursor.data(),
                                   entries.keys.data() + entries.count * map.keySize,
                                   entries.values.data() + entries.count * map.valueBytes, &count, &options);
    if (first && Unsupported(err)) {
      *call = "bpf(BPF_MAP_GET_NEXT_KEY)";
      return Walk(map, entries);
    }
    if (err == -ENOSPC && chunk < (1u << 30)) {
      // One hash bucket holds more than the room that was offered.
      chunk *= 2;
      continue;
    }
    if (err == 0 || err == -ENOENT) entries.count += count;
    if (err == -ENOENT) return 0;
    if (err < 0) return err;
    first = false;
  }
}

Napi::Value LookupBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "lookupBatch");
  Entries entries;
  const char* call = "";
  int err = ReadAll(*map, entries, &call);
  if (err < 0) ThrowErrno(env, -err, call);
  Napi::Object result = Napi::Object::New(env);
  result.Set("keys", CopyOf(env, entries.keys.data(), entries.count * map->keySize));
  result.Set("values", CopyOf(env, entries.values.data(), entries.count * map->valueBytes));
  result.Set("count", static_cast<double>(entries.count));
  return result;
}

// info: map, cursor (where the last part ended; at least 8 bytes and a key), whether this is the first part, entries wanted
Napi::Value LookupPart(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "lookupPart");
  uint8_t* cursor = AtLeastBytes(env, info[1], std::max<size_t>(map->keySize, 8), "lookupPart", "cursor");
  bool first = info[2].ToBoolean();
  uint32_t chunk = std::max(1u, std::min(map->maxEntries, info[3].As<Napi::Number>().Uint32Value()));
  Entries entries;
  const char* call = "bpf(BPF_MAP_LOOKUP_BATCH)";
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  int err;
  do {
    Reserve(*map, entries, chunk);
    uint32_t count = chunk;
    err = bpf_map_lookup_batch(map->fd, first ? nullptr : cursor, cursor, entries.keys.data(), entries.values.data(), &count,
                               &options);
    if (err == 0 || err == -ENOENT) entries.count = count;
    // One hash bucket holds more than the room that was offered.
    chunk *= 2;
  } while (err == -ENOSPC && chunk < (1u << 30));
  if (first && Unsupported(err)) {
    err = ReadAll(*map, entries, &call);
    if (err == 0) err = -ENOENT;
  }
  if (err < 0 && err != -ENOENT) ThrowErrno(env, -err, call);
  Napi::Object result = Napi::Object::New(env);
  result.Set("keys", CopyOf(env, entries.keys.data(), entries.count * map->keySize));
  result.Set("values", CopyOf(env, entries.values.data(), entries.count * map->valueBytes));
  result.Set("count", static_cast<double>(entries.count));
  result.Set("last", err == -ENOENT);
  return result;
}

[[noreturn]] void ThrowDone(Napi::Env env, int err, const char* call, uint32_t done) {
  Napi::Object extra = Napi::Object::New(env);
  extra.Set("done", done);
  ThrowErrno(env, err, call, std::to_string(done) + " entries done", extra);
}

Napi::Value UpdateBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "updateBatch");
  uint32_t total = info[3].As<Napi::Number>().Uint32Value();
  uint8_t* keys = AtLeastBytes(env, info[1], size_t{map->keySize} * total, "updateBatch", "keys");
  uint8_t* values = AtLeastBytes(env, info[2], size_t{map->valueBytes} * total, "updateBatch", "values");
  uint32_t flag = info[4].As<Napi::Number>().Uint32Value();
  if (total == 0) return Napi::Number::New(env, 0);

  // The kernel's batch update knows no flag but F_LOCK.
  if (flag == BPF_ANY) {
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    uint32_t count = total;
    int err = bpf_map_update_batch(map->fd, keys, values, &count, &options);
    if (err == 0) return Napi::Number::New(env, total);
    bool partly = count > 0 && count < total;
    if (!Unsupported(err) || partly) ThrowDone(env, -err, "bpf(BPF_MAP_UPDATE_BATCH)", count < total ? count : 0);
  }
  for (uint32_t i = 0; i < total; i++) {
    int err = bpf_map_update_elem(map->fd, keys + size_t{i} * map->keySize, values + size_t{i} * map->valueBytes, flag);
    if (err < 0) ThrowDone(env, -err, "bpf(BPF_MAP_UPDATE_ELEM)", i);
  }
  return Napi::Number::New(env, total);
}

Napi::Value DeleteBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "deleteBatch");
  uint32_t total = info[2].As<Napi::Number>().Uint32Value();
  uint8_t* keys = AtLeastBytes(env, info[1], size_t{map->keySize} * total, "deleteBatch", "keys");
  uint32_t deleted = 0;
  uint32_t next = 0;
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  while (next < total) {
    uint32_t count = total - next;
    int err = bpf_map_delete_batch(map->fd, keys + size_t{next} * map->keySize, &count, &options);
    if (err == 0) {
      return Napi::Number::New(env, deleted + (total - next));
    }
    if (err == -ENOENT) {
      // It stopped at a key that wasn't there: go on behind that one.
      deleted += count;
      next += count + 1;
      continue;
    }
    if (!Unsupported(err)) ThrowDone(env, -err, "bpf(BPF_MAP_DELETE_BATCH)", deleted);
    break;
  }
  for (; next < total; next++) {
    int err = bpf_map_delete_elem(map->fd, keys + size_t{next} * map->keySize);
    if (err == 0) deleted++;
    if (err < 0 && err != -ENOENT) ThrowDone(env, -err, "bpf(BPF_MAP_DELETE_ELEM)", deleted);
  }
  return Napi::Number::New(env, deleted);
}

}  // namespace

void ExportBatches(Napi::Env env, Napi::Object exports) {
  exports.Set("lookupBatch", Napi::Function::New<LookupBatch>(env, "lookupBatch"));
  exports.Set("lookupPart", Napi::Function::New<LookupPart>(env, "lookupPart"));
  exports.Set("updateBatch", Napi::Function::New<UpdateBatch>(env, "updateBatch"));
  exports.Set("deleteBatch", Napi::Function::New<DeleteBatch>(env, "deleteBatch"));
}

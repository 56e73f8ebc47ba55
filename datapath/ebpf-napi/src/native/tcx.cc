// TCX by the system call itself: libbpf has no order and no query of it before 1.3, and the headers of an older system
// lack its part of the attributes.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "handle.h"
#include "link.h"
#include "error.h"
#include "netns.h"

namespace {

constexpr uint32_t kTcxIngress = 46;
constexpr uint32_t kTcxEgress = 47;

struct LinkCreate {
  uint32_t program;
  uint32_t ifindex;
  uint32_t attachType;
  uint32_t flags;
  uint32_t relative;
  uint32_t pad;
  uint64_t expectedRevision;
};
static_assert(sizeof(LinkCreate) == 32);

struct Query {
  uint32_t ifindex;
  uint32_t attachType;
  uint32_t queryFlags;
  uint32_t attachFlags;
  uint64_t programIds;
  uint32_t count;
  uint32_t pad;
  uint64_t programFlags;
  uint64_t linkIds;
  uint64_t linkFlags;
  uint64_t revision;
};
static_assert(sizeof(Query) == 64);

// Returns what the call returned, or the negative errno.
template <typename Attributes>
int Bpf(int command, Attributes& attributes) {
  long result = syscall(__NR_bpf, command, &attributes, sizeof(attributes));
  return result < 0 ? -errno : static_cast<int>(result);
}

uint32_t AttachType(const Napi::Value& direction) {
  return direction.As<Napi::String>().Utf8Value() == "ingress" ? kTcxIngress : kTcxEgress;
}

// info: program, ifindex, direction, flags, id of the relative program, expected revision, netns path | undefined
Napi::Value AttachTcx(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  LinkCreate attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.program = static_cast<uint32_t>(HandleOf(env, info[0], Kind::Program, "attachTcx")->fd);
  attributes.ifindex = info[1].As<Napi::Number>().Uint32Value();
  attributes.attachType = AttachType(info[2]);
  attributes.flags = info[3].As<Napi::Number>().Uint32Value();
  attributes.relative = info[4].As<Napi::Number>().Uint32Value();
  bool lossless = false;
  attributes.expectedRevision = info[5].As<Napi::BigInt>().Uint64Value(&lossless);
  int fd = -1;
  InNetns(env, info[6], [&] { fd = Bpf(BPF_LINK_CREATE, attributes); });
  if (fd < 0) {
    ThrowErrno(env, -fd, "bpf(BPF_LINK_CREATE)", "tcx at ifindex " + std::to_string(attributes.ifindex));
  }
  return AdoptLink(env, fd, "bpf(BPF_LINK_CREATE) tcx");
}

// info: ifindex, direction, netns path | undefined
Napi::Value QueryTcx(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uint32_t ifindex = info[0].As<Napi::Number>().Uint32Value();
  uint32_t attachType = AttachType(info[1]);
  // The kernel allows 64 programs at one hook.
  std::vector<uint32_t> programIds(64);
  std::vector<uint32_t> linkIds(64);
  Query attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.ifindex = ifindex;
  attributes.attachType = attachType;
  attributes.programIds = reinterpret_cast<uint64_t>(programIds.data());
  attributes.linkIds = reinterpret_cast<uint64_t>(linkIds.data());
  attributes.count = static_cast<uint32_t>(programIds.size());
  int err = 0;
  InNetns(env, info[2], [&] { err = Bpf(BPF_PROG_QUERY, attributes); });
  // A hook that never had a program.
  if (err == -ENOENT) attributes.count = 0;
  if (err < 0 && err != -ENOENT) {
    ThrowErrno(env, -err, "bpf(BPF_PROG_QUERY)", "tcx at ifindex " + std::to_string(ifindex));
  }
  Napi::Array programs = Napi::Array::New(env, attributes.count);
  for (uint32_t i = 0; i < attributes.count; i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("programId", programIds[i]);
    entry.Set("linkId", linkIds[i]);
    programs.Set(i, entry);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("revision", Napi::BigInt::New(env, attributes.revision));
  result.Set("programs", programs);
  return result;
}

}  // namespace

void ExportTcx(Napi::Env env, Napi::Object exports) {
  exports.Set("attachTcx", Napi::Function::New<AttachTcx>(env, "attachTcx"));
  exports.Set("queryTcx", Napi::Function::New<QueryTcx>(env, "queryTcx"));
}

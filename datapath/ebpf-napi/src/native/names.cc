#include "names.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>

namespace {

// Numbers are assigned once and for all; these are newer than the libbpf that may be installed.
struct Newer {
  uint32_t number;
  const char* name;
};
constexpr Newer newerMapTypes[] = {{32, "cgrp_storage"}, {33, "arena"}};
constexpr Newer newerProgramTypes[] = {{32, "netfilter"}};
constexpr Newer newerLinkTypes[] = {{10, "netfilter"}, {11, "tcx"}, {12, "uprobe_multi"}, {13, "netkit"}};

// Past every number in use, far enough for kernels to come.
constexpr uint32_t kSearchEnd = 128;

template <size_t N>
std::string NameOf(const char* known, uint32_t type, const Newer (&newer)[N]) {
  if (known != nullptr) return known;
  for (const Newer& entry : newer) {
    if (entry.number == type) return entry.name;
  }
  return "type_" + std::to_string(type);
}

template <typename ToName>
int Search(const std::string& name, ToName toName) {
  for (uint32_t number = 0; number < kSearchEnd; number++) {
    if (toName(number) == name) return static_cast<int>(number);
  }
  return -1;
}

#define HELPER_NAME(name) #name
const char* const helperNames[] = {__BPF_FUNC_MAPPER(HELPER_NAME)};
#undef HELPER_NAME

}  // namespace

bool IsPerCpu(uint32_t mapType) {
  return mapType == BPF_MAP_TYPE_PERCPU_HASH || mapType == BPF_MAP_TYPE_PERCPU_ARRAY ||
         mapType == BPF_MAP_TYPE_LRU_PERCPU_HASH || mapType == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

std::string MapTypeName(uint32_t type) {
  return NameOf(libbpf_bpf_map_type_str(static_cast<bpf_map_type>(type)), type, newerMapTypes);
}

std::string ProgramTypeName(uint32_t type) {
  return NameOf(libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(type)), type, newerProgramTypes);
}

std::string LinkTypeName(uint32_t type) {
  return NameOf(libbpf_bpf_link_type_str(static_cast<bpf_link_type>(type)), type, newerLinkTypes);
}

int MapTypeByName(const std::string& name) { return Search(name, MapTypeName); }
int ProgramTypeByName(const std::string& name) { return Search(name, ProgramTypeName); }

int AttachTypeByName(const std::string& name) {
  return Search(name, [](uint32_t number) -> std::string {
    const char* known = libbpf_bpf_attach_type_str(static_cast<bpf_attach_type>(number));
    return known == nullptr ? "" : known;
  });
}

int HelperByName(const std::string& name) {
  std::string bare = name.rfind("bpf_", 0) == 0 ? name.substr(4) : name;
  int number = 0;
  for (const char* helper : helperNames) {
    if (bare == helper) return number;
    number++;
  }
  return -1;
}

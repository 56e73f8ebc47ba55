// Numbers of the kernel's UAPI by name, and back.
#pragma once
#include <cstdint>
#include <string>

bool IsPerCpu(uint32_t mapType);

// Unknown numbers come back as "type_N".
std::string MapTypeName(uint32_t type);
std::string ProgramTypeName(uint32_t type);
std::string LinkTypeName(uint32_t type);

// -1 when there is no such name.
int MapTypeByName(const std::string& name);
int ProgramTypeByName(const std::string& name);
int AttachTypeByName(const std::string& name);
int HelperByName(const std::string& name);

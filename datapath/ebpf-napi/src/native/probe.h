#pragma once
#include <napi.h>

void ExportProbes(Napi::Env env, Napi::Object exports);
void ExportMounts(Napi::Env env, Napi::Object exports);

#pragma once
#include <napi.h>

void ExportPrograms(Napi::Env env, Napi::Object exports);

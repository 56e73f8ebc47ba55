#pragma once
#include <napi.h>

void ExportRings(Napi::Env env, Napi::Object exports);

#pragma once
#include <napi.h>

void ExportMaps(Napi::Env env, Napi::Object exports);
void ExportBatches(Napi::Env env, Napi::Object exports);

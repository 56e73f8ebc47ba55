#pragma once
#include <napi.h>

void ExportLinks(Napi::Env env, Napi::Object exports);
void ExportTcx(Napi::Env env, Napi::Object exports);
void ExportClsact(Napi::Env env, Napi::Object exports);
void ExportDevices(Napi::Env env, Napi::Object exports);

#pragma once
#include <napi.h>

void ExportDiag(Napi::Env env, Napi::Object exports);
void ExportSockets(Napi::Env env, Napi::Object exports);
void ExportInterfaces(Napi::Env env, Napi::Object exports);
void ExportNetlink(Napi::Env env, Napi::Object exports);
void ExportNetwork(Napi::Env env, Napi::Object exports);
void ExportPeer(Napi::Env env, Napi::Object exports);
void ExportPolls(Napi::Env env, Napi::Object exports);

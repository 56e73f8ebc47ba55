// Work inside another network namespace: on a thread of its own, so that the process never changes namespaces.
#pragma once
#include <napi.h>

#include <functional>
#include <string>

// Runs `work` in the namespace at `path`, or on this thread when the value is undefined. `work` must not touch JavaScript.
void InNetns(Napi::Env env, Napi::Value path, const std::function<void()>& work);

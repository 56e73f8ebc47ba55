// Work inside another network namespace: on a thread of its own that ends there, so that the process never moves.
#pragma once
#include <napi.h>

#include <functional>
#include <string>

// What failed inside; errno 0 when nothing did.
struct Failure {
  int err = 0;
  std::string call;
  std::string detail;
};

// `netns` is a path or a descriptor. `work` runs without JavaScript; what it returns is thrown.
void Inside(Napi::Env env, Napi::Value netns, const std::function<Failure()>& work);

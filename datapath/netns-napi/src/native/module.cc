#include <napi.h>

#include "error.h"
#include "parts.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  ExportErrors(env, exports);
  ExportSockets(env, exports);
  ExportDiag(env, exports);
  ExportInterfaces(env, exports);
  ExportNetlink(env, exports);
  ExportNetwork(env, exports);
  ExportPeer(env, exports);
  ExportPolls(env, exports);
  return exports;
}

NODE_API_MODULE(netns_napi, Init)

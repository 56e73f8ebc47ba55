#include <napi.h>

#include "error.h"
#include "handle.h"
#include "link.h"
#include "map.h"
#include "object.h"
#include "print.h"
#include "probe.h"
#include "program.h"
#include "ring.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  CapturePrints();
  ExportErrors(env, exports);
  ExportHandles(env, exports);
  ExportMaps(env, exports);
  ExportBatches(env, exports);
  ExportObjects(env, exports);
  ExportBtf(env, exports);
  ExportPrograms(env, exports);
  ExportLinks(env, exports);
  ExportTcx(env, exports);
  ExportClsact(env, exports);
  ExportDevices(env, exports);
  ExportRings(env, exports);
  ExportProbes(env, exports);
  ExportMounts(env, exports);
  return exports;
}

NODE_API_MODULE(ebpf_napi, Init)

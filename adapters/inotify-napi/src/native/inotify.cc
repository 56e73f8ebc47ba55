// One inotify instance per handle, polled by Node's own event loop. Events are handed over as the kernel's bytes.
#include <napi.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <string>

namespace {

struct AddonData {
  Napi::FunctionReference errorClass;
};

[[noreturn]] void ThrowErrno(Napi::Env env, int err, const char* call, const std::string& detail = "") {
  auto* data = env.GetInstanceData<AddonData>();
  Napi::Value error = data->errorClass.New(
      {Napi::Number::New(env, err), Napi::String::New(env, call), Napi::String::New(env, detail)});
  throw Napi::Error(env, error);
}

struct Instance;

// What JavaScript holds; `instance` is null once it is closed.
struct Ticket {
  Instance* instance;
};

struct Instance {
  uv_poll_t poll;
  int fd;
  napi_env env;
  Napi::FunctionReference onReadable;
  Napi::AsyncContext* context = nullptr;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  bool closing = false;
  Ticket* ticket = nullptr;
};

// The descriptor may be closed only after libuv has let go of it.
void OnClosed(uv_handle_t* handle) {
  auto* instance = static_cast<Instance*>(handle->data);
  close(instance->fd);
  if (instance->ticket != nullptr) instance->ticket->instance = nullptr;
  napi_remove_async_cleanup_hook(instance->cleanup);
  delete instance->context;
  delete instance;
}

void Finish(Instance* instance) {
  if (instance->closing) return;
  instance->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&instance->poll), OnClosed);
}

void OnReadable(uv_poll_t* handle, int, int) {
  auto* instance = static_cast<Instance*>(handle->data);
  Napi::Env env(instance->env);
  Napi::HandleScope scope(env);
  try {
    instance->onReadable.MakeCallback(env.Global(), {}, *instance->context);
  } catch (const Napi::Error& thrown) {
    // A throw of the callback has no caller to reach but the process.
    napi_fatal_exception(env, thrown.Value());
  }
}

void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) { Finish(static_cast<Instance*>(data)); }

// info: onReadable()
Napi::Value Open(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) ThrowErrno(env, errno, "inotify_init1");
  auto* instance = new Instance();
  instance->fd = fd;
  instance->env = env;
  int err = uv_poll_init(loop, &instance->poll, fd);
  if (err != 0) {
    close(fd);
    delete instance;
    ThrowErrno(env, -err, "uv_poll_init");
  }
  instance->poll.data = instance;
  instance->onReadable = Napi::Persistent(info[0].As<Napi::Function>());
  instance->context = new Napi::AsyncContext(env, "inotify-napi");
  napi_add_async_cleanup_hook(env, OnEnvironmentEnd, instance, &instance->cleanup);
  uv_poll_start(&instance->poll, UV_READABLE, OnReadable);
  instance->ticket = new Ticket{instance};
  return Napi::External<Ticket>::New(env, instance->ticket, [](Napi::Env, Ticket* ticket) {
    if (ticket->instance != nullptr) ticket->instance->ticket = nullptr;
    delete ticket;
  });
}

// The open instance of info[0].
Instance* InstanceOf(const Napi::CallbackInfo& info, const char* call) {
  Instance* instance = info[0].As<Napi::External<Ticket>>().Data()->instance;
  if (instance == nullptr || instance->closing) ThrowErrno(info.Env(), EBADF, call);
  return instance;
}

// info: ticket, path, mask; gives the watch's number
Napi::Value Add(const Napi::CallbackInfo& info) {
  Instance* instance = InstanceOf(info, "inotify_add_watch");
  std::string path = info[1].As<Napi::String>().Utf8Value();
  int watch = inotify_add_watch(instance->fd, path.c_str(), info[2].As<Napi::Number>().Uint32Value());
  if (watch < 0) ThrowErrno(info.Env(), errno, "inotify_add_watch", path);
  return Napi::Number::New(info.Env(), watch);
}

// info: ticket, watch
Napi::Value Remove(const Napi::CallbackInfo& info) {
  Instance* instance = InstanceOf(info, "inotify_rm_watch");
  int watch = info[1].As<Napi::Number>().Int32Value();
  // The kernel has taken it away itself when what was watched is gone.
  if (inotify_rm_watch(instance->fd, watch) != 0 && errno != EINVAL) ThrowErrno(info.Env(), errno, "inotify_rm_watch");
  return info.Env().Undefined();
}

// info: ticket, bytes to fill; gives how many were, 0 when no event waits
Napi::Value Read(const Napi::CallbackInfo& info) {
  Instance* instance = InstanceOf(info, "read");
  auto bytes = info[1].As<Napi::Uint8Array>();
  ssize_t length = read(instance->fd, bytes.Data(), bytes.ByteLength());
  if (length < 0 && errno != EAGAIN && errno != EINTR) ThrowErrno(info.Env(), errno, "read");
  return Napi::Number::New(info.Env(), length < 0 ? 0 : static_cast<double>(length));
}

// info: ticket; nothing happens the second time
Napi::Value Close(const Napi::CallbackInfo& info) {
  Instance* instance = info[0].As<Napi::External<Ticket>>().Data()->instance;
  if (instance != nullptr) Finish(instance);
  return info.Env().Undefined();
}

Napi::Value SetErrorClass(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<AddonData>()->errorClass = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  exports.Set("setErrorClass", Napi::Function::New<SetErrorClass>(env, "setErrorClass"));
  exports.Set("open", Napi::Function::New<Open>(env, "open"));
  exports.Set("add", Napi::Function::New<Add>(env, "add"));
  exports.Set("remove", Napi::Function::New<Remove>(env, "remove"));
  exports.Set("read", Napi::Function::New<Read>(env, "read"));
  exports.Set("close", Napi::Function::New<Close>(env, "close"));
  return exports;
}

}  // namespace

NODE_API_MODULE(inotify_napi, Init)

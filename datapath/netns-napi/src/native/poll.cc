// Readiness of a descriptor on Node's own event loop: no thread waits, however many connections do.
#include <uv.h>

#include "error.h"
#include "parts.h"

namespace {

struct Poll;

// What JavaScript holds; `poll` is null once it is over.
struct Ticket {
  Poll* poll;
};

struct Poll {
  uv_poll_t poll;
  uv_timer_t timer;
  napi_env env;
  Napi::FunctionReference done;
  Napi::AsyncContext* context = nullptr;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  int openHandles = 2;
  bool finished = false;
  // Without this nothing is told: the environment ends.
  bool tells = true;
  bool ready = false;
  int err = 0;
  Ticket* ticket = nullptr;
};

// The descriptor may be handed on only after libuv has let go of it.
void OnClosed(uv_handle_t* handle) {
  auto* poll = static_cast<Poll*>(handle->data);
  if (--poll->openHandles > 0) return;
  if (poll->ticket != nullptr) poll->ticket->poll = nullptr;
  napi_remove_async_cleanup_hook(poll->cleanup);
  if (poll->tells) {
    Napi::Env env(poll->env);
    Napi::HandleScope scope(env);
    Napi::Value error = poll->err == 0 ? env.Undefined() : MakeError(env, poll->err, "uv_poll", "");
    try {
      poll->done.MakeCallback(env.Global(), {error, Napi::Boolean::New(env, poll->ready)}, *poll->context);
    } catch (const Napi::Error& thrown) {
      // A throw of the callback has no caller to reach but the process.
      napi_fatal_exception(env, thrown.Value());
    }
  }
  delete poll->context;
  delete poll;
}

void Finish(Poll* poll) {
  if (poll->finished) return;
  poll->finished = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->poll), OnClosed);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->timer), OnClosed);
}

void OnReady(uv_poll_t* handle, int status, int) {
  auto* poll = static_cast<Poll*>(handle->data);
  // POLLERR comes as a negative status; the socket itself tells what it was.
  poll->ready = true;
  static_cast<void>(status);
  Finish(poll);
}

void OnTimeout(uv_timer_t* handle) { Finish(static_cast<Poll*>(handle->data)); }

void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  auto* poll = static_cast<Poll*>(data);
  poll->tells = false;
  Finish(poll);
}

// info: fd, writable, timeout in ms (0: none), done(error, ready); at the end of time `ready` is false
Napi::Value Wait(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto* poll = new Poll();
  poll->env = env;
  int err = uv_poll_init(loop, &poll->poll, info[0].As<Napi::Number>().Int32Value());
  if (err != 0) {
    delete poll;
    ThrowErrno(env, -err, "uv_poll_init");
  }
  uv_timer_init(loop, &poll->timer);
  poll->poll.data = poll;
  poll->timer.data = poll;
  poll->done = Napi::Persistent(info[3].As<Napi::Function>());
  poll->context = new Napi::AsyncContext(env, "netns-napi poll");
  napi_add_async_cleanup_hook(env, OnEnvironmentEnd, poll, &poll->cleanup);
  uint64_t timeoutMs = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  if (timeoutMs > 0) {
    // The loop's clock stands since this turn of it began: what ran since would count as waited.
    uv_update_time(loop);
    uv_timer_start(&poll->timer, OnTimeout, timeoutMs, 0);
  }
  bool writable = info[1].As<Napi::Boolean>();
  err = uv_poll_start(&poll->poll, writable ? UV_WRITABLE : UV_READABLE, OnReady);
  if (err != 0) {
    poll->err = -err;
    Finish(poll);
  }
  poll->ticket = new Ticket{poll};
  return Napi::External<Ticket>::New(env, poll->ticket, [](Napi::Env, Ticket* ticket) {
    if (ticket->poll != nullptr) ticket->poll->ticket = nullptr;
    delete ticket;
  });
}

// Ends a wait as if its time were over; nothing happens when it is.
Napi::Value Cancel(const Napi::CallbackInfo& info) {
  Ticket* ticket = info[0].As<Napi::External<Ticket>>().Data();
  if (ticket->poll != nullptr) Finish(ticket->poll);
  return info.Env().Undefined();
}

}  // namespace

void ExportPolls(Napi::Env env, Napi::Object exports) {
  exports.Set("wait", Napi::Function::New<Wait>(env, "wait"));
  exports.Set("cancel", Napi::Function::New<Cancel>(env, "cancel"));
}

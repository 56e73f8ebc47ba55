// Ring buffers: a thread polls and copies records into a bounded queue; the event loop takes them batch by batch.
#include "ring.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "error.h"
#include "handle.h"
#include "print.h"

namespace {

struct Batch {
  std::vector<uint8_t> data;
  // Where each record ends in `data`.
  std::vector<uint32_t> ends;
  double lost = 0;
};

class Ring {
 public:
  ~Ring() { CloseDescriptors(); }

  // Returns 0 or an errno; `call` names what failed.
  int Open(int mapFd, size_t queueBytes, int pollMs, const char** call) {
    queueBytes_ = queueBytes;
    pollMs_ = pollMs;
    *call = "fcntl(F_DUPFD_CLOEXEC)";
    mapFd_ = fcntl(mapFd, F_DUPFD_CLOEXEC, 3);
    if (mapFd_ < 0) return errno;
    *call = "ring_buffer__new";
    rings_ = ring_buffer__new(mapFd_, OnRecord, this, nullptr);
    if (rings_ == nullptr) return errno;
    *call = "eventfd";
    stopFd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stopFd_ < 0) return errno;
    *call = "epoll_create1";
    pollFd_ = epoll_create1(EPOLL_CLOEXEC);
    if (pollFd_ < 0) return errno;
    *call = "epoll_ctl";
    if (Watch(ring_buffer__epoll_fd(rings_)) < 0 || Watch(stopFd_) < 0) return errno;
    return 0;
  }

  int Start() {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& failure) {
      return failure.code().value();
    }
    return 0;
  }

  // Returns once the thread has ended; nothing reaches the queue after that.
  void Stop() {
    if (thread_.joinable()) {
      uint64_t one = 1;
      ssize_t written = write(stopFd_, &one, sizeof(one));
      static_cast<void>(written);
      thread_.join();
    }
    CloseDescriptors();
  }

  Batch Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    announced_ = false;
    Batch taken = std::move(waiting_);
    waiting_ = Batch();
    return taken;
  }

  Napi::ThreadSafeFunction deliver;
  // What batches are told in, one after the other: memory of its own for each would have the collector run for its sake.
  Napi::Reference<Napi::ArrayBuffer> space;
  Napi::Reference<Napi::ArrayBuffer> endsSpace;
  bool closed = false;

 private:
  int Watch(int fd) {
    epoll_event event;
    memset(&event, 0, sizeof(event));
    event.events = EPOLLIN;
    event.data.fd = fd;
    return epoll_ctl(pollFd_, EPOLL_CTL_ADD, fd, &event);
  }

  void Run() {
    while (true) {
      epoll_event events[2];
      int count = epoll_wait(pollFd_, events, 2, pollMs_);
      if (count < 0 && errno != EINTR) return;
      for (int i = 0; i < count; i++) {
        if (events[i].data.fd == stopFd_) return;
      }
      ring_buffer__consume(rings_);
      Announce();
    }
  }

  static int OnRecord(void* context, void* data, size_t size) {
    auto* ring = static_cast<Ring*>(context);
    bool first = false;
    {
      std::lock_guard<std::mutex> lock(ring->mutex_);
      Batch& batch = ring->waiting_;
      if (batch.data.size() + size > ring->queueBytes_) {
        batch.lost++;
        return 0;
      }
      auto* bytes = static_cast<uint8_t*>(data);
      batch.data.insert(batch.data.end(), bytes, bytes + size);
      batch.ends.push_back(static_cast<uint32_t>(batch.data.size()));
      first = !ring->announced_;
    }
    // While the ring never runs dry, consume() doesn't return: announce from within too.
    if (first) ring->Announce();
    return 0;
  }

  // One call is on its way at a time; it takes whatever waits when it arrives.
  void Announce() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (announced_ || (waiting_.ends.empty() && waiting_.lost == 0)) return;
      announced_ = true;
    }
    deliver.NonBlockingCall(this, OnDeliver);
  }

  static void OnDeliver(Napi::Env env, Napi::Function onBatch, Ring* ring);

  void CloseDescriptors() {
    if (rings_ != nullptr) ring_buffer__free(rings_);
    rings_ = nullptr;
    for (int* fd : {&mapFd_, &stopFd_, &pollFd_}) {
      if (*fd >= 0) close(*fd);
      *fd = -1;
    }
  }

  size_t queueBytes_ = 0;
  // -1: only when the program wakes us.
  int pollMs_ = -1;
  int mapFd_ = -1;
  int stopFd_ = -1;
  int pollFd_ = -1;
  ring_buffer* rings_ = nullptr;
  std::thread thread_;
  std::mutex mutex_;
  Batch waiting_;
  bool announced_ = false;
};

// `bytes` in a buffer that is there already, or in a larger one from now on.
Napi::ArrayBuffer Put(Napi::Env env, Napi::Reference<Napi::ArrayBuffer>& space, const void* bytes, size_t length) {
  if (space.IsEmpty() || space.Value().ByteLength() < length) {
    size_t capacity = 64 * 1024;
    while (capacity < length) capacity *= 2;
    space = Napi::Persistent(Napi::ArrayBuffer::New(env, capacity));
  }
  Napi::ArrayBuffer buffer = space.Value();
  if (length > 0) memcpy(buffer.Data(), bytes, length);
  return buffer;
}

void Ring::OnDeliver(Napi::Env env, Napi::Function onBatch, Ring* ring) {
  // Without an environment the queue is being torn down.
  if (env == nullptr || ring->closed) return;
  Batch batch = ring->Take();
  try {
    size_t count = batch.ends.size();
    Napi::ArrayBuffer bytes = Put(env, ring->space, batch.data.data(), batch.data.size());
    Napi::ArrayBuffer limits = Put(env, ring->endsSpace, batch.ends.data(), count * sizeof(uint32_t));
    Napi::Uint8Array data = Napi::Uint8Array::New(env, batch.data.size(), bytes, 0);
    Napi::Uint32Array ends = Napi::Uint32Array::New(env, count, limits, 0);
    onBatch.Call({data, ends, Napi::Number::New(env, batch.lost)});
  } catch (const Napi::Error& thrown) {
    // It has no caller to reach but the process. (A terminated worker refuses every call: nothing to tell then.)
    Napi::Value value = thrown.Value();
    if (!value.IsEmpty() && !value.IsUndefined()) napi_fatal_exception(env, value);
  }
}

// The thread has to be gone before the environment takes the queue to it down.
void OnEnvironmentEnd(void* data) {
  auto* ring = static_cast<Ring*>(data);
  ring->closed = true;
  RecordClosed(ring);
  ring->Stop();
}

// info: map, callback(data, ends, lost), queue bytes, milliseconds between polls (-1: none)
Napi::Value OpenRing(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Handle* map = HandleOf(env, info[0], Kind::Map, "openRingBuffer");
  size_t queueBytes = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
  int pollMs = info[3].As<Napi::Number>().Int32Value();
  auto ring = std::make_unique<Ring>();
  const char* call = "";
  PrintCapture prints;
  int err = ring->Open(map->fd, queueBytes, pollMs, &call);
  if (err != 0) ThrowErrno(env, err, call, prints.LastLine());
  Ring* opened = ring.get();
  // Owned by the queue: a call that is on its way still finds it.
  opened->deliver = Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "ebpf-napi ring buffer", 0, 1,
                                                  [](Napi::Env, Ring* done) { delete done; }, opened);
  ring.release();
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, opened);
  RecordOpen(opened, "ring buffer", "openRingBuffer", "");
  err = opened->Start();
  if (err != 0) {
    napi_remove_env_cleanup_hook(env, OnEnvironmentEnd, opened);
    RecordClosed(opened);
    opened->closed = true;
    opened->deliver.Abort();
    ThrowErrno(env, err, "pthread_create");
  }
  return Napi::External<Ring>::New(env, opened);
}

// To be called once; the handle must not be used afterwards.
Napi::Value CloseRing(const Napi::CallbackInfo& info) {
  Ring* ring = info[0].As<Napi::External<Ring>>().Data();
  ring->closed = true;
  ring->Stop();
  RecordClosed(ring);
  napi_remove_env_cleanup_hook(info.Env(), OnEnvironmentEnd, ring);
  ring->deliver.Abort();
  return info.Env().Undefined();
}

Napi::Value ReferenceRing(const Napi::CallbackInfo& info) {
  Ring* ring = info[0].As<Napi::External<Ring>>().Data();
  if (info[1].As<Napi::Boolean>()) {
    ring->deliver.Ref(info.Env());
  } else {
    ring->deliver.Unref(info.Env());
  }
  return info.Env().Undefined();
}

}  // namespace

void ExportRings(Napi::Env env, Napi::Object exports) {
  exports.Set("openRing", Napi::Function::New<OpenRing>(env, "openRing"));
  exports.Set("closeRing", Napi::Function::New<CloseRing>(env, "closeRing"));
  exports.Set("referenceRing", Napi::Function::New<ReferenceRing>(env, "referenceRing"));
}

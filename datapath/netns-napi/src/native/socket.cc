#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "address.h"
#include "error.h"
#include "inside.h"
#include "parts.h"

namespace {

struct Spec {
  int family;
  int type;
  int protocol;
  bool reuseAddress;
  bool reusePort;
  bool v6Only;
  bool transparent;
  uint32_t mark;
  std::string device;
  bool binds;
  std::string address;
  uint16_t port;
  int backlog;
};

bool Flag(Napi::Object object, const char* name) { return object.Get(name).ToBoolean(); }

int TypeByName(const std::string& name) {
  if (name == "stream") return SOCK_STREAM;
  if (name == "dgram") return SOCK_DGRAM;
  if (name == "raw") return SOCK_RAW;
  return SOCK_SEQPACKET;
}

Spec SpecOf(Napi::Object given) {
  Spec spec;
  spec.family = given.Get("family").As<Napi::Number>().Int32Value() == 4 ? AF_INET : AF_INET6;
  spec.type = TypeByName(given.Get("type").As<Napi::String>());
  spec.protocol = given.Get("protocol").As<Napi::Number>().Int32Value();
  spec.reuseAddress = Flag(given, "reuseAddress");
  spec.reusePort = Flag(given, "reusePort");
  spec.v6Only = Flag(given, "v6Only");
  spec.transparent = Flag(given, "transparent");
  spec.mark = given.Get("mark").As<Napi::Number>().Uint32Value();
  spec.device = given.Get("bindToDevice").As<Napi::String>();
  spec.backlog = given.Get("backlog").As<Napi::Number>().Int32Value();
  spec.binds = !given.Get("address").IsUndefined();
  spec.port = 0;
  if (spec.binds) {
    spec.address = given.Get("address").As<Napi::String>();
    spec.port = static_cast<uint16_t>(given.Get("port").As<Napi::Number>().Uint32Value());
  }
  return spec;
}

// Returns the name of the call that failed, with errno set.
const char* Prepare(int fd, const Spec& spec) {
  int one = 1;
  auto set = [&](int level, int option) { return setsockopt(fd, level, option, &one, sizeof(one)); };
  if (spec.reuseAddress && set(SOL_SOCKET, SO_REUSEADDR) < 0) return "setsockopt(SO_REUSEADDR)";
  if (spec.reusePort && set(SOL_SOCKET, SO_REUSEPORT) < 0) return "setsockopt(SO_REUSEPORT)";
  if (spec.v6Only && set(IPPROTO_IPV6, IPV6_V6ONLY) < 0) return "setsockopt(IPV6_V6ONLY)";
  if (spec.transparent) {
    bool v4 = spec.family == AF_INET;
    if (set(v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT) < 0) {
      return "setsockopt(IP_TRANSPARENT)";
    }
  }
  if (spec.mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &spec.mark, sizeof(spec.mark)) < 0) {
    return "setsockopt(SO_MARK)";
  }
  if (!spec.device.empty() &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, spec.device.c_str(), static_cast<socklen_t>(spec.device.size())) < 0) {
    return "setsockopt(SO_BINDTODEVICE)";
  }
  if (spec.binds) {
    Address address;
    errno = ParseAddress(spec.address, spec.port, &address);
    if (errno != 0) return "inet_pton";
    if (bind(fd, reinterpret_cast<sockaddr*>(&address.storage), address.size) < 0) return "bind";
  }
  if (spec.backlog > 0 && listen(fd, spec.backlog) < 0) return "listen";
  return nullptr;
}

// info: netns, spec
Napi::Value OpenSocket(const Napi::CallbackInfo& info) {
  Spec spec = SpecOf(info[1].As<Napi::Object>());
  int fd = -1;
  Inside(info.Env(), info[0], [&]() -> Failure {
    fd = socket(spec.family, spec.type | SOCK_NONBLOCK | SOCK_CLOEXEC, spec.protocol);
    if (fd < 0) return {errno, "socket", ""};
    const char* failed = Prepare(fd, spec);
    if (failed == nullptr) return {};
    Failure failure{errno, failed, spec.binds ? spec.address + " port " + std::to_string(spec.port) : ""};
    close(fd);
    return failure;
  });
  return Napi::Number::New(info.Env(), fd);
}

// A socket keeps its namespace, so all below may happen on any thread; only a zone's name has to be a number here.
Address AddressOf(const Napi::CallbackInfo& info, size_t index) {
  Address address;
  std::string text = info[index].As<Napi::String>();
  int err = ParseAddress(text, static_cast<uint16_t>(info[index + 1].As<Napi::Number>().Uint32Value()), &address);
  if (err != 0) ThrowErrno(info.Env(), err, "inet_pton", text);
  return address;
}

// info: fd, address, port; true when connected at once
Napi::Value Connect(const Napi::CallbackInfo& info) {
  Address address = AddressOf(info, 1);
  int fd = info[0].As<Napi::Number>().Int32Value();
  if (connect(fd, reinterpret_cast<sockaddr*>(&address.storage), address.size) == 0) {
    return Napi::Boolean::New(info.Env(), true);
  }
  if (errno != EINPROGRESS) ThrowErrno(info.Env(), errno, "connect", info[1].As<Napi::String>());
  return Napi::Boolean::New(info.Env(), false);
}

// info: fd, address for the message; throws what the socket met
Napi::Value FinishConnect(const Napi::CallbackInfo& info) {
  int err = 0;
  socklen_t size = sizeof(err);
  if (getsockopt(info[0].As<Napi::Number>().Int32Value(), SOL_SOCKET, SO_ERROR, &err, &size) < 0) err = errno;
  if (err != 0) ThrowErrno(info.Env(), err, "connect", info[1].As<Napi::String>());
  return info.Env().Undefined();
}

// info: fd; the accepted descriptor, or -1 when nobody waits
Napi::Value Accept(const Napi::CallbackInfo& info) {
  int fd = accept4(info[0].As<Napi::Number>().Int32Value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) ThrowErrno(info.Env(), errno, "accept4");
  return Napi::Number::New(info.Env(), fd < 0 ? -1 : fd);
}

// info: fd, bytes, address, port
Napi::Value SendTo(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  Address address = AddressOf(info, 2);
  ssize_t sent = sendto(info[0].As<Napi::Number>().Int32Value(), bytes.Data(), bytes.ByteLength(), MSG_NOSIGNAL,
                        reinterpret_cast<sockaddr*>(&address.storage), address.size);
  if (sent < 0) ThrowErrno(info.Env(), errno, "sendto", info[2].As<Napi::String>());
  return Napi::Number::New(info.Env(), static_cast<double>(sent));
}

// info: fd, bytes to fill; bytes received, or -1 when nothing waits
Napi::Value Receive(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  ssize_t size = recv(info[0].As<Napi::Number>().Int32Value(), bytes.Data(), bytes.ByteLength(), 0);
  if (size < 0 && errno != EAGAIN && errno != EINTR) ThrowErrno(info.Env(), errno, "recv");
  return Napi::Number::New(info.Env(), static_cast<double>(size < 0 ? -1 : size));
}

// info: fd
Napi::Value LocalAddress(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  sockaddr_storage storage;
  memset(&storage, 0, sizeof(storage));
  socklen_t size = sizeof(storage);
  if (getsockname(info[0].As<Napi::Number>().Int32Value(), reinterpret_cast<sockaddr*>(&storage), &size) < 0) {
    ThrowErrno(env, errno, "getsockname");
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("address", FormatAddress(storage));
  result.Set("port", PortOf(storage));
  return result;
}

// info: fd
Napi::Value CloseSocket(const Napi::CallbackInfo& info) {
  close(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

}  // namespace

void ExportSockets(Napi::Env env, Napi::Object exports) {
  exports.Set("openSocket", Napi::Function::New<OpenSocket>(env, "openSocket"));
  exports.Set("connect", Napi::Function::New<Connect>(env, "connect"));
  exports.Set("finishConnect", Napi::Function::New<FinishConnect>(env, "finishConnect"));
  exports.Set("accept", Napi::Function::New<Accept>(env, "accept"));
  exports.Set("sendTo", Napi::Function::New<SendTo>(env, "sendTo"));
  exports.Set("receive", Napi::Function::New<Receive>(env, "receive"));
  exports.Set("localAddress", Napi::Function::New<LocalAddress>(env, "localAddress"));
  exports.Set("closeSocket", Napi::Function::New<CloseSocket>(env, "closeSocket"));
}

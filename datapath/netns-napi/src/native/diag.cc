// Sockets of a namespace ended from outside, as `ss -K` does: sock_diag(7), by the cookie that names one socket for ever.
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "error.h"
#include "inside.h"
#include "parts.h"

namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

// Every state but TIME_WAIT, LISTEN and NEW_SYN_RECV: those have no process that waits for the other side.
constexpr uint32_t kStates = ~((1u << 6) | (1u << 10) | (1u << 12));

Request RequestOf(int type, int flags, int family, int protocol) {
  Request request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = static_cast<uint16_t>(type);
  request.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  request.body.sdiag_family = static_cast<uint8_t>(family);
  request.body.sdiag_protocol = static_cast<uint8_t>(protocol);
  request.body.idiag_states = kStates;
  return request;
}

uint64_t CookieOf(const inet_diag_sockid& id) {
  return static_cast<uint64_t>(id.idiag_cookie[1]) << 32 | id.idiag_cookie[0];
}

// Every socket of the family whose cookie is wanted.
int Find(int fd, int family, int protocol, const std::set<uint64_t>& cookies, std::vector<inet_diag_msg>* found) {
  Request request = RequestOf(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family, protocol);
  if (send(fd, &request, sizeof(request), 0) < 0) return errno;
  alignas(nlmsghdr) static thread_local char buffer[65536];
  for (;;) {
    ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return errno;
    auto left = static_cast<unsigned>(received);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return 0;
      if (message->nlmsg_type == NLMSG_ERROR) return -static_cast<nlmsgerr*>(NLMSG_DATA(message))->error;
      const auto* socket = static_cast<inet_diag_msg*>(NLMSG_DATA(message));
      if (cookies.count(CookieOf(socket->id)) > 0) found->push_back(*socket);
    }
  }
}

// 0, or what the kernel says: ENOENT where the socket went meanwhile, EOPNOTSUPP where it can't end any.
int Destroy(int fd, int protocol, const inet_diag_msg& socket) {
  Request request = RequestOf(SOCK_DESTROY, NLM_F_ACK, socket.idiag_family, protocol);
  request.body.id = socket.id;
  if (send(fd, &request, sizeof(request), 0) < 0) return errno;
  alignas(nlmsghdr) char answer[1024];
  ssize_t received;
  do received = recv(fd, answer, sizeof(answer), 0);
  while (received < 0 && errno == EINTR);
  if (received < 0) return errno;
  const auto* message = reinterpret_cast<nlmsghdr*>(answer);
  return message->nlmsg_type == NLMSG_ERROR ? -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error : 0;
}

Failure DestroyAll(int protocol, const std::set<uint64_t>& cookies, uint32_t* ended) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return {errno, "socket", "sock_diag"};
  Failure failure;
  std::vector<inet_diag_msg> found;
  for (int family : {AF_INET, AF_INET6}) {
    int error = Find(fd, family, protocol, cookies, &found);
    // A kernel without IPv6 has no sockets of it.
    if (error != 0 && error != ENOENT) failure = {error, "sock_diag", "dump"};
  }
  for (const inet_diag_msg& each : found) {
    int error = Destroy(fd, protocol, each);
    if (error == 0)
      *ended += 1;
    else if (error != ENOENT)
      failure = {error, "sock_diag", "destroy"};
  }
  close(fd);
  return failure;
}

// info: netns, IANA protocol, BigUint64Array of cookies; how many sockets were ended
Napi::Value DestroySockets(const Napi::CallbackInfo& info) {
  int protocol = info[1].As<Napi::Number>();
  auto given = info[2].As<Napi::BigUint64Array>();
  std::set<uint64_t> cookies(given.Data(), given.Data() + given.ElementLength());
  uint32_t ended = 0;
  Inside(info.Env(), info[0], [&] { return DestroyAll(protocol, cookies, &ended); });
  return Napi::Number::New(info.Env(), ended);
}

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

// info: netns; the number by which BPF programs know the namespace
Napi::Value NetnsCookie(const Napi::CallbackInfo& info) {
  uint64_t cookie = 0;
  Inside(info.Env(), info[0], [&]() -> Failure {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return {errno, "socket", "unix"};
    socklen_t size = sizeof(cookie);
    int result = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
    Failure failure;
    if (result != 0) failure = {errno, "getsockopt", "SO_NETNS_COOKIE"};
    close(fd);
    return failure;
  });
  return Napi::BigInt::New(info.Env(), cookie);
}

}  // namespace

void ExportDiag(Napi::Env env, Napi::Object exports) {
  exports.Set("destroySockets", Napi::Function::New<DestroySockets>(env, "destroySockets"));
  exports.Set("netnsCookie", Napi::Function::New<NetnsCookie>(env, "netnsCookie"));
}

// Requests of rtnetlink(7) inside a namespace: messages are handed in as bytes, what the kernel answers is handed back as
// bytes. All work is on threads of their own, so that JavaScript goes on meanwhile: a device that goes waits for others.
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "error.h"
#include "inside.h"
#include "parts.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

namespace {

constexpr size_t kAnswerBytes = 65536;

// The text that the kernel adds to an error, where it adds one.
std::string ExtendedText(const nlmsghdr* message) {
  const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(const_cast<nlmsghdr*>(message)));
  size_t at = NLMSG_HDRLEN + sizeof(nlmsgerr);
  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return "";
  if (!(message->nlmsg_flags & NLM_F_CAPPED)) at += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(nlmsghdr);
  const auto* bytes = reinterpret_cast<const char*>(message);
  while (at + sizeof(nlattr) <= message->nlmsg_len) {
    const auto* attribute = reinterpret_cast<const nlattr*>(bytes + at);
    if (attribute->nla_len < sizeof(nlattr) || at + attribute->nla_len > message->nlmsg_len) break;
    if ((attribute->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG && attribute->nla_len > NLA_HDRLEN + 1)
      return std::string(bytes + at + NLA_HDRLEN, attribute->nla_len - NLA_HDRLEN - 1);
    at += NLA_ALIGN(attribute->nla_len);
  }
  return "";
}

// Sends one message and reads to its end: an acknowledgement, or for a dump that it is done.
Failure Exchange(int fd, const std::vector<uint8_t>& request, std::vector<uint8_t>* answers, size_t number) {
  std::string name = "message " + std::to_string(number);
  if (send(fd, request.data(), request.size(), 0) < 0) return {errno, "send", name};
  std::vector<char> buffer(kAnswerBytes);
  for (;;) {
    ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return {errno, "recv", name};
    auto left = static_cast<unsigned>(received);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return {};
      if (message->nlmsg_type == NLMSG_ERROR) {
        int error = -static_cast<nlmsgerr*>(NLMSG_DATA(message))->error;
        if (error == 0) return {};
        std::string text = ExtendedText(message);
        return {error, "rtnetlink", text.empty() ? name : name + ": " + text};
      }
      const auto* bytes = reinterpret_cast<const uint8_t*>(message);
      answers->insert(answers->end(), bytes, bytes + NLMSG_ALIGN(message->nlmsg_len));
    }
  }
}

Failure ExchangeAll(const std::vector<std::vector<uint8_t>>& requests, std::vector<uint8_t>* answers) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return {errno, "socket", "rtnetlink"};
  int on = 1;
  // Kernels before 4.12 have no texts to add.
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  Failure failure;
  for (size_t at = 0; at < requests.size() && failure.err == 0; at++)
    failure = Exchange(fd, requests[at], answers, at);
  close(fd);
  return failure;
}

Failure WriteFile(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return {errno, "open", path};
  Failure failure;
  if (write(fd, text.data(), text.size()) < 0) failure = {errno, "write", path};
  close(fd);
  return failure;
}

// Work inside a namespace that JavaScript waits for by a promise.
class InsideWorker : public Napi::AsyncWorker {
 public:
  InsideWorker(Napi::Env env, Napi::Value netns, std::function<Failure(std::vector<uint8_t>*)> work)
      : AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), work_(std::move(work)) {
    if (netns.IsNumber()) {
      int given = netns.As<Napi::Number>().Int32Value();
      name_ = "descriptor " + std::to_string(given);
      // Its owner may close it before the work begins.
      fd_ = fcntl(given, F_DUPFD_CLOEXEC, 3);
      if (fd_ < 0) failure_ = {errno, "open", name_};
    } else {
      name_ = netns.As<Napi::String>();
    }
  }

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void Execute() override {
    if (failure_.err != 0) return;
    if (fd_ < 0) fd_ = open(name_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      failure_ = {errno, "open", name_};
      return;
    }
    try {
      std::thread thread([this] {
        if (setns(fd_, CLONE_NEWNET) < 0) {
          failure_ = {errno, "setns", name_};
        } else {
          failure_ = work_(&answers_);
        }
      });
      thread.join();
    } catch (const std::system_error& problem) {
      failure_ = {problem.code().value(), "pthread_create", ""};
    }
    close(fd_);
  }

  void OnOK() override {
    Napi::Env env = Env();
    if (failure_.err != 0) {
      deferred_.Reject(MakeError(env, failure_.err, failure_.call, failure_.detail));
    } else {
      deferred_.Resolve(Napi::Buffer<uint8_t>::Copy(env, answers_.data(), answers_.size()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<Failure(std::vector<uint8_t>*)> work_;
  std::string name_;
  int fd_ = -1;
  Failure failure_;
  std::vector<uint8_t> answers_;
};

Napi::Value Start(InsideWorker* worker) {
  Napi::Promise promise = worker->Promise();
  worker->Queue();
  return promise;
}

// info: netns, messages (an array of Uint8Array)
Napi::Value Rtnetlink(const Napi::CallbackInfo& info) {
  Napi::Array given = info[1].As<Napi::Array>();
  std::vector<std::vector<uint8_t>> requests;
  for (uint32_t at = 0; at < given.Length(); at++) {
    auto message = Napi::Value(given[at]).As<Napi::Uint8Array>();
    requests.emplace_back(message.Data(), message.Data() + message.ByteLength());
  }
  return Start(new InsideWorker(info.Env(), info[0], [requests = std::move(requests)](std::vector<uint8_t>* answers) {
    return ExchangeAll(requests, answers);
  }));
}

// info: netns, path, text
Napi::Value WriteInside(const Napi::CallbackInfo& info) {
  std::string path = info[1].As<Napi::String>();
  std::string text = info[2].As<Napi::String>();
  return Start(new InsideWorker(info.Env(), info[0],
                                [path, text](std::vector<uint8_t>*) { return WriteFile(path, text); }));
}

}  // namespace

void ExportNetlink(Napi::Env env, Napi::Object exports) {
  exports.Set("rtnetlink", Napi::Function::New<Rtnetlink>(env, "rtnetlink"));
  exports.Set("writeInside", Napi::Function::New<WriteInside>(env, "writeInside"));
}

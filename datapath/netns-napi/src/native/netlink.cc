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

int Open() {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return fd;
  int on = 1;
  // Kernels before 4.12 have no texts to add; those before 4.20 filter no dump.
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
  return fd;
}

// Sends one message and reads to its end: an acknowledgement, or for a dump that it is done.
Failure Exchange(int fd, const std::vector<uint8_t>& request, std::vector<uint8_t>* answers, size_t number) {
  std::string name = "message " + std::to_string(number);
  if (send(fd, request.data(), request.size(), 0) < 0) return {errno, "send", name};
  uint16_t asked = reinterpret_cast<const nlmsghdr*>(request.data())->nlmsg_flags;
  bool isQuestion = !(asked & NLM_F_ACK) && (asked & NLM_F_DUMP) != NLM_F_DUMP;
  bool isInterrupted = false;
  std::vector<char> buffer(kAnswerBytes);
  for (;;) {
    ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return {errno, "recv", name};
    auto left = static_cast<unsigned>(received);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      // Something changed while it was told: what was read may lack what was there all along.
      if (message->nlmsg_flags & NLM_F_DUMP_INTR) isInterrupted = true;
      if (message->nlmsg_type == NLMSG_DONE) {
        if (isInterrupted) return {EINTR, "rtnetlink", name};
        return {};
      }
      if (message->nlmsg_type == NLMSG_ERROR) {
        int error = -static_cast<nlmsgerr*>(NLMSG_DATA(message))->error;
        if (error == 0) return {};
        std::string text = ExtendedText(message);
        return {error, "rtnetlink", text.empty() ? name : name + ": " + text};
      }
      const auto* bytes = reinterpret_cast<const uint8_t*>(message);
      answers->insert(answers->end(), bytes, bytes + NLMSG_ALIGN(message->nlmsg_len));
      // What asks for one thing gets it, or an error, and no word that it is done.
      if (isQuestion && !(message->nlmsg_flags & NLM_F_MULTI)) return {};
    }
  }
}

Failure ExchangeAll(const std::vector<std::vector<uint8_t>>& requests, std::vector<uint8_t>* answers) {
  int fd = Open();
  if (fd < 0) return {errno, "socket", "rtnetlink"};
  Failure failure;
  for (size_t at = 0; at < requests.size() && failure.err == 0; at++)
    failure = Exchange(fd, requests[at], answers, at);
  close(fd);
  return failure;
}

void Append(std::vector<uint8_t>* bytes, uint32_t number) {
  const auto* start = reinterpret_cast<const uint8_t*>(&number);
  bytes->insert(bytes->end(), start, start + sizeof(number));
}

// Every request, whatever becomes of the others. For each the errno, how many bytes answer it, and those bytes; or the
// length of the text that says what was wrong, and the text.
Failure ExchangeEach(const std::vector<std::vector<uint8_t>>& requests, std::vector<uint8_t>* answers) {
  int fd = Open();
  if (fd < 0) return {errno, "socket", "rtnetlink"};
  std::vector<uint8_t> own;
  for (size_t at = 0; at < requests.size(); at++) {
    own.clear();
    Failure failure = Exchange(fd, requests[at], &own, at);
    if (failure.err != 0) own.assign(failure.detail.begin(), failure.detail.end());
    Append(answers, static_cast<uint32_t>(failure.err));
    Append(answers, static_cast<uint32_t>(own.size()));
    answers->insert(answers->end(), own.begin(), own.end());
  }
  close(fd);
  return {};
}

Failure ReadFile(const std::string& path, std::vector<uint8_t>* text) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {errno, "open", path};
  char buffer[4096];
  ssize_t got = read(fd, buffer, sizeof(buffer));
  Failure failure;
  if (got < 0) failure = {errno, "read", path};
  if (got > 0) text->assign(buffer, buffer + got);
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

// info: netns, messages (an array of Uint8Array), whether to go on after one that fails
Napi::Value Rtnetlink(const Napi::CallbackInfo& info) {
  Napi::Array given = info[1].As<Napi::Array>();
  std::vector<std::vector<uint8_t>> requests;
  for (uint32_t at = 0; at < given.Length(); at++) {
    auto message = Napi::Value(given[at]).As<Napi::Uint8Array>();
    requests.emplace_back(message.Data(), message.Data() + message.ByteLength());
  }
  bool goesOn = info[2].As<Napi::Boolean>();
  return Start(
      new InsideWorker(info.Env(), info[0], [requests = std::move(requests), goesOn](std::vector<uint8_t>* answers) {
        return goesOn ? ExchangeEach(requests, answers) : ExchangeAll(requests, answers);
      }));
}

// info: netns, path, text
Napi::Value WriteInside(const Napi::CallbackInfo& info) {
  std::string path = info[1].As<Napi::String>();
  std::string text = info[2].As<Napi::String>();
  return Start(new InsideWorker(info.Env(), info[0],
                                [path, text](std::vector<uint8_t>*) { return WriteFile(path, text); }));
}

// info: netns, path
Napi::Value ReadInside(const Napi::CallbackInfo& info) {
  std::string path = info[1].As<Napi::String>();
  return Start(new InsideWorker(info.Env(), info[0],
                                [path](std::vector<uint8_t>* text) { return ReadFile(path, text); }));
}

}  // namespace

void ExportNetlink(Napi::Env env, Napi::Object exports) {
  exports.Set("rtnetlink", Napi::Function::New<Rtnetlink>(env, "rtnetlink"));
  exports.Set("readInside", Napi::Function::New<ReadInside>(env, "readInside"));
  exports.Set("writeInside", Napi::Function::New<WriteInside>(env, "writeInside"));
}

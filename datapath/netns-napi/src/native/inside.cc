#include "inside.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "error.h"

void Inside(Napi::Env env, Napi::Value netns, const std::function<Failure()>& work) {
  std::string name;
  int fd;
  if (netns.IsNumber()) {
    int given = netns.As<Napi::Number>().Int32Value();
    name = "descriptor " + std::to_string(given);
    fd = fcntl(given, F_DUPFD_CLOEXEC, 3);
  } else {
    name = netns.As<Napi::String>();
    fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (fd < 0) ThrowErrno(env, errno, "open", name);
  Failure failure;
  try {
    std::thread thread([&] {
      if (setns(fd, CLONE_NEWNET) < 0) {
        failure = {errno, "setns", name};
      } else {
        failure = work();
      }
    });
    thread.join();
  } catch (const std::system_error& problem) {
    failure = {problem.code().value(), "pthread_create", ""};
  }
  close(fd);
  if (failure.err != 0) ThrowErrno(env, failure.err, failure.call, failure.detail);
}

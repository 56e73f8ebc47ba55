#include "netns.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "error.h"

void InNetns(Napi::Env env, Napi::Value path, const std::function<void()>& work) {
  if (path.IsUndefined()) {
    work();
    return;
  }
  std::string name = path.As<Napi::String>();
  int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) ThrowErrno(env, errno, "open", name);
  int err = 0;
  try {
    std::thread thread([&] {
      if (setns(fd, CLONE_NEWNET) < 0) {
        err = errno;
        return;
      }
      work();
    });
    thread.join();
  } catch (const std::system_error& failure) {
    close(fd);
    ThrowErrno(env, failure.code().value(), "pthread_create");
  }
  close(fd);
  if (err != 0) ThrowErrno(env, err, "setns", name);
}

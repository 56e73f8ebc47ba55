#include "print.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>

namespace {

// A verifier's log can come this way too; the error carries that one separately.
constexpr size_t kCaptureLimitBytes = 256 * 1024;

thread_local PrintCapture* current = nullptr;

int OnPrint(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG || current == nullptr) return 0;
  char line[4096];
  int length = vsnprintf(line, sizeof(line), format, arguments);
  if (length > 0) current->Append(line, std::min(static_cast<size_t>(length), sizeof(line) - 1));
  return 0;
}

}  // namespace

void CapturePrints() {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(OnPrint); });
}

PrintCapture::PrintCapture() : outer_(current) { current = this; }
PrintCapture::~PrintCapture() { current = outer_; }

void PrintCapture::Append(const char* data, size_t size) {
  if (text_.size() + size <= kCaptureLimitBytes) text_.append(data, size);
}

std::string PrintCapture::LastLine() const {
  size_t end = text_.size();
  while (end > 0) {
    size_t start = text_.rfind('\n', end - 1);
    start = start == std::string::npos ? 0 : start + 1;
    std::string line = text_.substr(start, end - start);
    // libbpf guesses at ulimit for every EPERM, and its summary repeats the errno.
    bool noise = line.empty() || line.find("ulimit") != std::string::npos ||
                 line.find("failed to load object") != std::string::npos;
    if (!noise) return line.rfind("libbpf: ", 0) == 0 ? line.substr(8) : line;
    if (start == 0) break;
    end = start - 1;
  }
  return "";
}

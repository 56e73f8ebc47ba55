// libbpf's own messages: never on stderr, but at hand for the error that they explain.
#pragma once
#include <string>

void CapturePrints();

// Collects this thread's warnings while it lives.
class PrintCapture {
 public:
  PrintCapture();
  ~PrintCapture();
  PrintCapture(const PrintCapture&) = delete;
  PrintCapture& operator=(const PrintCapture&) = delete;
  const std::string& text() const { return text_; }
  // The last line that says something about the cause.
  std::string LastLine() const;
  void Append(const char* data, size_t size);

 private:
  std::string text_;
  PrintCapture* outer_;
};

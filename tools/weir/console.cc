// See console.h.
#include "console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "text.h"

namespace weir::cli {
namespace {

void to_standard_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

bool wants_color(ColorWhen when) {
  if (when != ColorWhen::kAuto) return when == ColorWhen::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(STDERR_FILENO) == 1;
}

}  // namespace

Console::Console(const CommandLine& command)
    : json_(command.json),
      color_(!command.json && wants_color(command.color)),
      wants_progress_(isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0),
      verbosity_(command.verbosity) {}

std::string Console::paint(std::string_view code, std::string_view text) const {
  return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

int Console::answer(std::string_view text) const {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (std::fflush(stdout) == 0 && written) return kExitOk;
  return error(Error::from_errno(errno, "cannot write to standard output"));
}

void Console::note(std::string_view label, std::string_view text) const {
  if (quiet()) return;
  if (json_)
    event(label, fmt::format("\"message\":{}", json_quote(text)));
  else
    to_standard_error(fmt::format("{} {}\n", paint("1", fmt::format("{}:", label)), printable(text)));
}

void Console::block(std::string_view text) const {
  if (!quiet()) to_standard_error(printable(text));
}

void Console::event(std::string_view name, std::string_view fields) const {
  to_standard_error(fmt::format("{{\"version\":{},\"event\":{}{}{}}}\n", kJsonVersion, json_quote(name),
                                fields.empty() ? "" : ",", fields));
}

int Console::error(const Error& error) const {
  const int code = exit_code_of(error.code());
  if (!json_) {
    to_standard_error(fmt::format("{} {}\n", paint("1;31", "error:"), printable(error.to_string())));
    return code;
  }
  std::string fields =
      fmt::format("\"code\":{},\"name\":{},\"message\":{},\"exit_code\":{}", static_cast<unsigned>(error.code()),
                  json_quote(error_code_name(error.code())), json_quote(error.message()), code);
  if (!error.hint().empty()) fields += fmt::format(",\"hint\":{}", json_quote(error.hint()));
  if (const std::string position = error.position().to_string(); !position.empty())
    fields += fmt::format(",\"position\":{}", json_quote(position));
  event("error", fields);
  return code;
}

void Console::progress_line(std::string_view text) const {
  if (!json_ && wants_progress_)
    to_standard_error(fmt::format("\r\x1b[K{}", text));
  else if (!text.empty())
    to_standard_error(fmt::format("{}\n", text));
}

}  // namespace weir::cli

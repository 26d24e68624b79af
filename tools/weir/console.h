// Where the program speaks: rows and asked-for answers on standard output, all else on standard error, in words or in
// JSON lines. Every JSON object carries "version", which changes when a field changes its meaning.
#pragma once

#include <string>
#include <string_view>

#include "command_line.h"
#include "weir/core/result.h"

namespace weir::cli {

inline constexpr int kJsonVersion = 1;

class Console {
 public:
  explicit Console(const CommandLine& command);

  bool json() const noexcept { return json_; }
  bool quiet() const noexcept { return verbosity_ < 0; }
  int verbosity() const noexcept { return verbosity_; }

  /// An answer, to standard output. Returns kExitOk, or kExitIo where it cannot be written.
  int answer(std::string_view text) const;
  /// Something to know, to standard error, unless quiet; with a label such as "note". In JSON: an event.
  void note(std::string_view label, std::string_view text) const;
  /// A block for people to standard error as it is, unless quiet.
  void block(std::string_view text) const;
  /// A JSON event to standard error: `fields` are members, with quotes and commas, without braces. Quiet or not.
  void event(std::string_view name, std::string_view fields) const;
  /// An error, to standard error. Returns its exit code.
  int error(const Error& error) const;
  /// Replaces the progress line; empty takes it away.
  void progress_line(std::string_view text) const;
  /// Standard error is a terminal and the rows do not go there too.
  bool wants_progress() const noexcept { return wants_progress_; }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
  bool json_, color_, wants_progress_;
  int verbosity_;
};

}  // namespace weir::cli

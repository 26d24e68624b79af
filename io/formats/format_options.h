// Options of one format: checks the names against the format's list, then reads the values.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/io/format.h"

namespace weir::detail {

class FormatOptions {
 public:
  /// Errors: kSqlUnknownOption, with the nearest known name and all of them.
  static Result<FormatOptions> create(const FormatContext& context, std::span<const OptionHelp> known);

  bool has(std::string_view name) const { return values_->contains(std::string(name)); }
  /// The value given, or the default of the list.
  std::string_view text(std::string_view name) const;
  /// "true" or "false".
  Result<bool> boolean(std::string_view name) const;
  /// Exactly one byte; the two characters \t stand for a tab. Nothing where the option is not given and has no default.
  Result<std::optional<char>> character(std::string_view name) const;
  /// A whole number from 1 to `limit`; 0 where not given.
  Result<std::size_t> size(std::string_view name, std::size_t limit) const;
  /// One of the words, as its index.
  Result<std::size_t> choice(std::string_view name, std::span<const std::string_view> words) const;

 private:
  FormatOptions(const std::map<std::string, std::string>& values, std::span<const OptionHelp> known)
      : values_(&values), known_(known) {}
  const std::map<std::string, std::string>* values_;  // the context's: used while a format is made only
  std::span<const OptionHelp> known_;
};

}  // namespace weir::detail

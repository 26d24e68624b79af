// Reading a connector's options: typed values with errors that name the option, and the rest handed on to the format.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "weir/core/result.h"
#include "weir/io/format.h"

namespace weir {

/// Views a table's options; remembers nothing. Thread: control plane.
class OptionReader {
 public:
  OptionReader(const std::map<std::string, std::string>& options, std::string_view table)
      : options_(options), table_(table) {}

  bool has(const std::string& name) const { return options_.count(name) != 0; }
  std::string text(const std::string& name, std::string_view fallback) const;
  /// Errors: kSqlInvalidOption where it is not a whole number of min … max.
  Result<std::uint64_t> number(const std::string& name, std::uint64_t fallback, std::uint64_t min,
                               std::uint64_t max) const;
  /// Nanoseconds of "10 s", "500ms", "2 min", "1 h", "1 d"; a number alone is milliseconds. Errors: kSqlInvalidOption
  /// where it is none, or not of `least_ns` … 1 d.
  Result<std::int64_t> duration(const std::string& name, std::int64_t fallback,
                                std::int64_t least_ns = 1'000'000) const;
  /// One of the names. Errors: kSqlInvalidOption, which lists them.
  Result<std::size_t> choice(const std::string& name, std::size_t fallback,
                             std::span<const std::string_view> names) const;
  /// "true" or "false". Errors: kSqlInvalidOption.
  Result<bool> boolean(const std::string& name, bool fallback) const;
  /// Errors: kSqlInvalidOption where it is not there or empty.
  Result<std::string> required(const std::string& name, std::string_view connector) const;

 private:
  const std::map<std::string, std::string>& options_;
  std::string_view table_;
};

/// Errors: kSqlUnknownOption for the first option that is neither in `known` nor accepted by the prefix of a format
/// option.
Result<void> refuse_unknown_options(const std::map<std::string, std::string>& options, std::string_view connector,
                                    std::span<const OptionHelp> known);

}  // namespace weir

// FunctionCatalogue: the functions of a host, which SQL and the builder know beside Weir's own: scalar functions,
// aggregates and lookups. There is none for the process: an Engine has one for its jobs, and JobOptions::functions
// names the one of a job that is made without an Engine. Two catalogues may have different functions under one name.
//
//   Engine engine;
//   engine.functions().add_function("MID", [](double bid, double ask) { return (bid + ask) / 2; });
//   engine.create_job("mids", "… SELECT MID(bid, ask) FROM quotes", options);
//
// Lifetime. Names are looked up when SQL is bound and when make_call() is called; what they were found to be is shared
// with the plan. So a catalogue may go, or get more functions, while jobs run, and a job made again from its plan calls
// what it called before. A function is destroyed with the last plan, job and catalogue that has it, by the thread that
// lets go of that one.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/core/result.h"
#include "weir/pipeline/aggregate_function.h"
#include "weir/pipeline/lookup.h"
#include "weir/pipeline/user_function.h"

namespace weir {

struct HostFunction;  // expression/host_function.h

/// Thread: any; jobs that are bound meanwhile see a function or do not.
/// Errors of all that is added: kInvalidArgument where the name is no identifier, is that of a function of Weir's own
/// or has a syntax of its own in SQL (CAST, TUMBLE, …), or is in the catalogue already; and what the definition lacks.
class FunctionCatalogue {
 public:
  FunctionCatalogue();
  ~FunctionCatalogue();
  FunctionCatalogue(const FunctionCatalogue&) = delete;
  FunctionCatalogue& operator=(const FunctionCatalogue&) = delete;

  Result<void> add_function(FunctionDefinition definition);
  /// The same of a callable that is not a template, such as a lambda that changes nothing.
  template <typename F>
  Result<void> add_function(std::string name, F function, std::string meaning = "a function of the host") {
    FunctionDefinition definition = detail::define_function(std::move(name), std::move(function), &F::operator());
    definition.meaning = std::move(meaning);
    return add_function(std::move(definition));
  }
  Result<void> add_aggregate(AggregateDefinition definition);
  /// `name(BIGINT) → BIGINT`. Allocates: 16 to 64 bytes an entry, or 8 bytes for each number between the least and the
  /// greatest key where they lie close. Cost: a load a row for close keys, else a probe of a hash table.
  /// Errors: also kInvalidArgument (a key given twice), kLimitExceeded.
  Result<void> add_lookup(std::string name, const LookupEntries& entries);

  /// The host's scalar function or lookup of that name in upper case; null where there is none.
  std::shared_ptr<const HostFunction> function(std::string_view upper_name) const;
  /// The host's aggregate of that name in upper case; null where there is none.
  AggregateDefinitionPtr aggregate(std::string_view upper_name) const;
  /// Names of all, in upper case, ascending.
  std::vector<std::string> names() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir

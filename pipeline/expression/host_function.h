// HostFunction: a scalar function of the host, whatever it is made of: C++ (weir/pipeline/user_function.h) or a
// dictionary (weir/pipeline/lookup.h). A FunctionCatalogue and the expressions that call it share it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "expression/functions.h"
#include "weir/core/result.h"
#include "weir/pipeline/lookup.h"
#include "weir/pipeline/user_function.h"

namespace weir {

/// Immutable after it was made.
struct HostFunction {
  HostFunction() = default;
  virtual ~HostFunction() = default;
  HostFunction(const HostFunction&) = delete;
  HostFunction& operator=(const HostFunction&) = delete;

  std::string name, signature;
  FunctionEntry entry;  ///< Its views are of this object.
};

using HostFunctionPtr = std::shared_ptr<const HostFunction>;

/// Requires: a name that was checked, in upper case. Errors: kInvalidArgument.
Result<HostFunctionPtr> make_user_function(FunctionDefinition definition);
/// Errors: kInvalidArgument (a key given twice), kLimitExceeded.
Result<HostFunctionPtr> make_lookup(std::string name, const LookupEntries& entries);

/// Whether a scalar function of Weir's own has the name, in upper case.
bool is_scalar_function(std::string_view upper_name);

}  // namespace weir

// Makes the io_uring backend; liburing stays inside.
#pragma once
#include <memory>

#include "weir/io/backend.h"

namespace weir::detail {
Result<std::unique_ptr<IoBackend>> make_uring_backend(const BackendConfig& config);
}  // namespace weir::detail

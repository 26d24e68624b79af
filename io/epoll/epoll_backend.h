// Makes the epoll backend.
#pragma once
#include <memory>

#include "weir/io/backend.h"

namespace weir::detail {
Result<std::unique_ptr<IoBackend>> make_epoll_backend(const BackendConfig& config);
}  // namespace weir::detail

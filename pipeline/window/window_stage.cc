// Room for staged results (window_stage.h).
#include "window/window_stage.h"

#include <numeric>

namespace weir {

WindowStage::WindowStage(std::uint32_t row_count, std::size_t state_bytes)
    : rows_max(row_count),
      stride(state_bytes),
      windows(std::make_unique<StagedWindow[]>(row_count)),
      groups(std::make_unique<std::uint32_t[]>(row_count + kSlack)),
      bits(std::make_unique<std::uint64_t[]>(bit_words_max(row_count))),
      identity(std::make_unique<std::uint32_t[]>(row_count)),
      state_rows(std::make_unique<std::byte[]>((row_count + kSlack) * state_bytes)) {
  std::iota(identity.get(), identity.get() + row_count, 0u);
}

}  // namespace weir

// The instruction set that the kernels run on: chosen at the first call from what the processor has, and settable, so
// that a test can run every target and a user can ask whether a kernel is to blame (option simd = best | scalar).
#pragma once

#include <string_view>
#include <vector>

namespace weir::simd {

/// Names that set_target takes, best first: "AVX3" (AVX-512), "AVX2", "SSE4" as this processor has them, and "scalar",
/// plain loops that use none of the vector code.
std::vector<std::string_view> supported_targets();
/// Chooses a target for the whole process: a name of supported_targets(), or "best". False when the name is unknown,
/// and nothing changes. Thread: while no kernel runs.
bool set_target(std::string_view name);
/// The target that the next kernel call uses.
std::string_view current_target();

}  // namespace weir::simd

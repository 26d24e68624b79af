// Choice of the target: Highway's own detection, plus the plain loops as the last one.
#include "weir/simd/target.h"

#include <hwy/highway.h>

#include <cstdint>

#include "dispatch.h"

namespace weir::simd {

std::atomic<bool> detail::plain_chosen{false};

namespace {

constexpr std::string_view kPlain = "scalar";

void choose(std::int64_t mask) {
  hwy::SetSupportedTargetsForTest(mask);  // 0 takes the restriction away
  hwy::GetChosenTarget().DeInit();
}

}  // namespace

std::vector<std::string_view> supported_targets() {
  const std::int64_t before = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  std::vector<std::string_view> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) names.emplace_back(hwy::TargetName(target));
  if (before != hwy::SupportedTargets()) hwy::SetSupportedTargetsForTest(before);
  names.push_back(kPlain);
  return names;
}

bool set_target(std::string_view name) {
  if (name == "best" || name == kPlain) {
    choose(0);
    detail::plain_chosen.store(name == kPlain, std::memory_order_relaxed);
    return true;
  }
  const std::int64_t before = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    choose(target);
    detail::plain_chosen.store(false, std::memory_order_relaxed);
    return true;
  }
  choose(before);
  return false;
}

std::string_view current_target() {
  if (detail::use_plain()) return kPlain;
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  return targets.empty() ? kPlain : std::string_view(hwy::TargetName(targets.front()));
}

}  // namespace weir::simd

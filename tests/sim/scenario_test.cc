// Every scenario under fixed seeds and a fresh one, each twice; or under as many as the environment asks for.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "sim/scenario.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kFixedSeeds = 20;

std::optional<std::uint64_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

std::vector<std::uint64_t> seeds_to_run() {
  const std::optional<std::uint64_t> first = number_of("WEIR_SIM_SEED"), count = number_of("WEIR_SIM_SEEDS");
  std::vector<std::uint64_t> seeds;
  if (first.has_value() || count.has_value()) {
    for (std::uint64_t i = 0; i < count.value_or(1); ++i) seeds.push_back(first.value_or(1) + i);
    return seeds;
  }
  for (std::uint64_t seed = 1; seed <= kFixedSeeds; ++seed) seeds.push_back(seed);
  seeds.push_back(std::random_device{}());
  std::cout << "the fresh seed is " << seeds.back() << "\n";
  return seeds;
}

class Scenarios : public testing::TestWithParam<Scenario> {};

TEST_P(Scenarios, end_with_the_right_answer_or_the_drawn_fault_and_the_same_way_again) {
  const Scenario& scenario = GetParam();
  std::map<std::string, std::uint64_t> covered;
  std::uint64_t runs = 0, failures = 0;
  for (const std::uint64_t seed : seeds_to_run()) {
    const Report first = scenario.run(seed);
    ++runs;
    for (const std::string& what : first.covered) ++covered[what];
    std::string wrong;
    for (const std::string& violation : first.violations) wrong += "  " + violation + "\n";
    const Report again = scenario.run(seed);
    if (again.trace_hash != first.trace_hash) wrong += "  the same seed went another way (trace hash)\n";
    if (again.output != first.output) wrong += "  the same seed gave other output\n";
    if (again.error != first.error) wrong += "  the same seed gave another error\n";
    if (wrong.empty()) continue;
    ADD_FAILURE() << scenario.name << ", seed " << seed << ": " << first.drawn << "\n"
                  << wrong << "run it again: WEIR_SIM_SEED=" << seed << " sim_test --gtest_filter='*/" << scenario.name
                  << "'";
    if (++failures == 5) break;  // the first few say enough
  }
  if (number_of("WEIR_SIM_SEEDS").has_value()) {
    std::cout << scenario.name << ": " << runs << " seeds\n";
    for (const auto& [what, count] : covered) std::cout << "  " << count << "  " << what << "\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Scenarios, testing::ValuesIn(all_scenarios().begin(), all_scenarios().end()),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

}  // namespace
}  // namespace weir::test

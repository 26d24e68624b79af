// Sliding aggregators over single values: time a step (one value in, one out, one query) and the worst step, beside the
// worst turn of a bare loop in the same run, which is what the machine does to anybody.
// Time a step is processor time, so that it bears other load; the longest steps are by the clock, each the shortest of
// several passes over the same steps. Their bar is 50 us above the bare loop's longest turn.
//
//   sliding_bench [--window=4194304] [--steps=20000000] [--runs=5]
//
// Answers are compared before a figure is printed: each aggregator against another or against a sum made anew.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "window/sliding/chunked_two_stacks.h"
#include "window/sliding/daba_lite.h"
#include "window/sliding/finger_b_tree.h"
#include "window/sliding/subtract_on_evict.h"
#include "window/sliding/two_stacks_lite.h"

namespace {

using namespace weir::sliding;

struct Arguments {
  std::size_t window = std::size_t{1} << 22;
  std::size_t steps = 20'000'000;
  int runs = 5;
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t processor_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

/// Values that repeat, small enough to stay in the second-level cache.
class Values {
 public:
  Values() : values_(std::size_t{1} << 14) {
    std::uint64_t state = 88172645463325252ull;
    for (std::int64_t& value : values_) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      value = static_cast<std::int64_t>(state >> 20);
    }
  }
  std::int64_t operator[](std::size_t i) const { return values_[i & (values_.size() - 1)]; }

 private:
  std::vector<std::int64_t> values_;
};

struct Figure {
  double step_ns = 1e9;
  std::int64_t worst_ns = 0;
  std::int64_t bare_worst_ns = 0;
  std::uint64_t answer = 0;  // of all queries together
};

/// The longest of `count` turns of `turn`, each taken as the shortest of kPasses: what only the machine does comes at
/// other turns in another pass, what the turns do themselves comes again.
std::int64_t longest_turn(std::size_t count, const std::function<void()>& fill,
                          const std::function<void(std::size_t)>& turn) {
  constexpr int kPasses = 4;
  std::vector<std::uint32_t> shortest(count, std::numeric_limits<std::uint32_t>::max());
  for (int pass = 0; pass < kPasses; ++pass) {
    fill();
    std::int64_t last = now_ns();
    for (std::size_t i = 0; i < count; ++i) {
      turn(i);
      const std::int64_t now = now_ns();
      shortest[i] = std::min(shortest[i], static_cast<std::uint32_t>(std::min<std::int64_t>(now - last, 1u << 31)));
      last = now;
    }
  }
  return *std::max_element(shortest.begin(), shortest.end());
}

/// Steps i = 0, 1, … from a full window on, which `fill` makes anew; the best of the runs for the time a step, and
/// turns with a clock at each step.
Figure measure(const Arguments& arguments, const std::function<void()>& fill,
               const std::function<std::uint64_t(std::size_t first, std::size_t count)>& steps) {
  Figure figure;
  fill();
  std::size_t at = 0;
  for (int run = 0; run < arguments.runs; ++run) {
    const std::int64_t start = processor_ns();
    figure.answer += steps(at, arguments.steps);
    const double taken = static_cast<double>(processor_ns() - start) / static_cast<double>(arguments.steps);
    figure.step_ns = std::min(figure.step_ns, taken);
    at += arguments.steps;
  }
  std::uint64_t answer = 0;
  const std::size_t turns = arguments.window * 2;
  figure.worst_ns = longest_turn(turns, fill, [&](std::size_t i) { answer += steps(i, 1); });
  figure.bare_worst_ns = longest_turn(
      turns, [] {}, [&](std::size_t i) { answer += i; });
  volatile std::uint64_t kept = answer;
  (void)kept;
  return figure;
}

void print(const char* name, const Figure& figure) {
  std::printf("%-44s %8.2f %14.1f %14.1f\n", name, figure.step_ns, static_cast<double>(figure.worst_ns) / 1000,
              static_cast<double>(figure.bare_worst_ns) / 1000);
  std::fflush(stdout);
}

template <class Window>
Figure in_order(const Arguments& arguments, const Values& values) {
  std::optional<Window> made;
  const std::size_t size = arguments.window;
  const auto fill = [&] {
    Window& window = made.emplace();
    window.reserve(size + 1);
    for (std::size_t i = 0; i < size; ++i) window.insert(values[i]);
  };
  return measure(arguments, fill, [&](std::size_t first, std::size_t count) {
    std::uint64_t answer = 0;
    Window& window = *made;
    for (std::size_t i = first; i < first + count; ++i) {
      window.insert(values[size + i]);
      window.evict();
      answer += static_cast<std::uint64_t>(window.query());
    }
    return answer;
  });
}

/// Each step brings one value `distance` places behind the newest, or up to that.
Figure out_of_order(const Arguments& arguments, const Values& values, std::size_t distance, bool random) {
  std::optional<FingerBTree<Sum<std::int64_t>>> window;
  const std::size_t size = arguments.window;
  std::vector<std::int64_t> behind(size_t{1} << 14);
  for (std::size_t i = 0; i < behind.size(); ++i)
    behind[i] = static_cast<std::int64_t>(random ? static_cast<std::uint64_t>(values[i]) % (distance + 1) : distance);
  // No two values have one time.
  const auto time_of = [&](std::size_t i) {
    return (static_cast<std::int64_t>(i) - behind[i & (behind.size() - 1)]) * 4096 +
           static_cast<std::int64_t>(i & 4095);
  };
  return measure(
      arguments,
      [&] {
        window.emplace();
        for (std::size_t i = 0; i < size; ++i) window->insert(time_of(i), values[i]);
      },
      [&](std::size_t first, std::size_t count) {
        std::uint64_t answer = 0;
        for (std::size_t i = first; i < first + count; ++i) {
          window->insert(time_of(size + i), values[size + i]);
          window->evict_before(static_cast<std::int64_t>(i) * 4096);
          answer += static_cast<std::uint64_t>(window->query());
        }
        return answer;
      });
}

void expect_same(const char* what, std::uint64_t a, std::uint64_t b) {
  if (a == b) return;
  std::fprintf(stderr, "sliding_bench: %s: wrong answer\n", what);
  std::exit(1);
}

std::uint64_t naive_sum(const Arguments& arguments, const Values& values) {
  std::int64_t sum = 0;
  std::uint64_t answer = 0;
  for (std::size_t i = 0; i < arguments.window; ++i) sum += values[i];
  const std::size_t steps = arguments.steps * static_cast<std::size_t>(arguments.runs);
  for (std::size_t i = 0; i < steps; ++i) {
    sum += values[arguments.window + i] - values[i];
    answer += static_cast<std::uint64_t>(sum);
  }
  return answer;
}

Arguments read(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    const auto value = equals == std::string::npos ? 0 : std::strtoull(text.c_str() + equals + 1, nullptr, 10);
    if (name == "--window" && value != 0)
      arguments.window = value;
    else if (name == "--steps" && value != 0)
      arguments.steps = value;
    else if (name == "--runs" && value != 0)
      arguments.runs = static_cast<int>(value);
    else {
      std::fprintf(stderr, "sliding_bench [--window=N] [--steps=N] [--runs=N]\n");
      std::exit(2);
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = read(argc, argv);
  const Values values;
  std::printf("window %zu, %zu steps a run, best of %d\n%-44s %8s %14s %14s\n", arguments.window, arguments.steps,
              arguments.runs, "", "ns/step", "worst step us", "bare loop us");
  const Figure sum = in_order<SubtractOnEvict<Sum<std::int64_t>>>(arguments, values);
  expect_same("subtract on evict", sum.answer, naive_sum(arguments, values));
  print("sum, subtract on evict", sum);
  const Figure daba_sum = in_order<DabaLite<Sum<std::int64_t>>>(arguments, values);
  expect_same("DABA", daba_sum.answer, sum.answer);
  print("sum, DABA lite", daba_sum);
  const Figure chunked_sum = in_order<ChunkedTwoStacks<Sum<std::int64_t>>>(arguments, values);
  expect_same("two stacks in chunks", chunked_sum.answer, sum.answer);
  print("sum, two stacks in chunks", chunked_sum);
  const Figure two_stacks = in_order<TwoStacksLite<Max<std::int64_t>>>(arguments, values);
  const Figure daba = in_order<DabaLite<Max<std::int64_t>>>(arguments, values);
  expect_same("two stacks and DABA", two_stacks.answer, daba.answer);
  const Figure chunked = in_order<ChunkedTwoStacks<Max<std::int64_t>>>(arguments, values);
  expect_same("two stacks in chunks and DABA", chunked.answer, daba.answer);
  print("max, two stacks in chunks", chunked);
  print("max, two stacks lite", two_stacks);
  print("max, DABA lite", daba);
  const Figure tree = out_of_order(arguments, values, 0, false);
  print("sum, finger B-tree, in order", tree);
  print("sum, finger B-tree, 16 behind", out_of_order(arguments, values, 16, false));
  print("sum, finger B-tree, 1,024 behind", out_of_order(arguments, values, 1024, false));
  print("sum, finger B-tree, 0 to 1,024 behind", out_of_order(arguments, values, 1024, true));
  return 0;
}

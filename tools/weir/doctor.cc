// See doctor.h.
#include "doctor.h"

#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "text.h"

namespace weir::cli {
namespace {

using Grade = Finding::Grade;

// Newer than the kernel headers of bookworm's first release; the numbers are the kernel's interface and never change.
constexpr unsigned kSetupSingleIssuer = 1u << 12;
constexpr unsigned kSetupDeferTaskrun = 1u << 13;

/// The first line of a file below the machine's root, without spaces at its end.
std::optional<std::string> first_line(const Machine& machine, const std::string& path) {
  std::ifstream file(machine.root + path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.pop_back();
  return line;
}

std::optional<std::int64_t> number_in(const Machine& machine, const std::string& path) {
  const std::optional<std::string> line = first_line(machine, path);
  std::int64_t value = 0;
  if (!line || std::from_chars(line->data(), line->data() + line->size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

/// The word in brackets of "always [madvise] never".
std::string chosen_word(const std::string& line) {
  const std::size_t open = line.find('['), close = line.find(']');
  return open == std::string::npos || close < open ? line : line.substr(open + 1, close - open - 1);
}

Finding check_kernel(const Machine& machine) {
  int major = 0, minor = 0;
  const char* end = machine.kernel_release.data() + machine.kernel_release.size();
  const auto parsed = std::from_chars(machine.kernel_release.data(), end, major);
  if (parsed.ec == std::errc() && parsed.ptr != end) std::from_chars(parsed.ptr + 1, end, minor);
  const bool new_enough = major > 6 || (major == 6 && minor >= 1);
  return {"kernel", new_enough ? Grade::kGood : Grade::kWarning, "Linux " + machine.kernel_release,
          new_enough ? "" : "the uring backend is made for Linux 6.1 and later; use --backend epoll or a newer kernel"};
}

Finding check_io_uring(const Machine& machine) {
  const std::int64_t disabled = number_in(machine, "/proc/sys/kernel/io_uring_disabled").value_or(0);
  if (machine.io_uring_errno == 0 && machine.io_uring_fast_errno == 0)
    return {"io_uring", Grade::kGood, "available, with SINGLE_ISSUER and DEFER_TASKRUN", ""};
  if (machine.io_uring_errno == 0)
    return {"io_uring", Grade::kWarning,
            fmt::format("available, but not with DEFER_TASKRUN ({})", std::strerror(machine.io_uring_fast_errno)),
            "a kernel from 6.1 on has it"};
  std::string found = fmt::format("not available ({}); Weir runs on epoll, with the same results",
                                  std::strerror(machine.io_uring_errno));
  if (disabled != 0)
    return {"io_uring", Grade::kWarning, fmt::format("{}: kernel.io_uring_disabled is {}", found, disabled),
            "sudo sysctl kernel.io_uring_disabled=0"};
  if (machine.io_uring_errno == ENOMEM)
    return {"io_uring", Grade::kWarning, found, "raise the memlock limit: ulimit -l unlimited"};
  return {"io_uring", Grade::kWarning, found,
          machine.io_uring_errno == ENOSYS
              ? "the kernel is built without it"
              : "a container's seccomp profile often forbids it: allow io_uring_setup, io_uring_enter and "
                "io_uring_register there"};
}

Finding check_memlock(const Machine& machine) {
  constexpr std::uint64_t kWanted = std::uint64_t{64} << 20;
  if (machine.memlock_bytes == std::numeric_limits<std::uint64_t>::max())
    return {"memlock", Grade::kGood, "no limit", ""};
  const std::string found = fmt::format("{} may be locked", format_bytes(static_cast<double>(machine.memlock_bytes)));
  if (machine.privileged || machine.memlock_bytes >= kWanted) return {"memlock", Grade::kGood, found, ""};
  return {"memlock", Grade::kWarning, found + "; registered buffers may be refused",
          "ulimit -l unlimited, or LimitMEMLOCK=infinity in the service's unit"};
}

Finding check_open_files(const Machine& machine) {
  const bool enough = machine.open_files >= 1024;
  return {"open files", enough ? Grade::kGood : Grade::kWarning,
          fmt::format("{} may be open", format_count(machine.open_files)), enough ? "" : "ulimit -n 65536"};
}

Finding check_cpu(const Machine& machine) {
  const std::string cpus =
      fmt::format("{} CPU{} usable", machine.usable_cpus.size(), machine.usable_cpus.size() == 1 ? "" : "s");
  if (!machine.cpu_baseline)
    return {"cpu", Grade::kFailure, cpus + "; without x86-64-v2, AES and CLMUL", "Weir needs a newer processor"};
  if (!machine.cpu_wide) return {"cpu", Grade::kNote, cpus + "; without AVX2, so kernels run on 128-bit vectors", ""};
  return {"cpu", Grade::kGood, cpus + ", with AVX2 or wider", ""};
}

Finding check_governor(const Machine& machine) {
  std::set<std::string> governors;
  for (const int cpu : machine.usable_cpus)
    if (const auto governor =
            first_line(machine, fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq/scaling_governor", cpu)))
      governors.insert(*governor);
  if (governors.empty()) return {"governor", Grade::kNote, "the system does not say (a virtual machine as a rule)", ""};
  if (governors == std::set<std::string>{"performance"}) return {"governor", Grade::kGood, "performance", ""};
  return {"governor", Grade::kWarning, fmt::format("{}: clocks change under load", fmt::join(governors, ", ")),
          "sudo cpupower frequency-set -g performance"};
}

Finding check_isolation(const Machine& machine) {
  const std::string isolated = first_line(machine, "/sys/devices/system/cpu/isolated").value_or("");
  if (isolated.empty())
    return {"isolated cpus", Grade::kNote, "none: other programs may run on the CPUs of shards",
            "for even latency boot with isolcpus=LIST nohz_full=LIST and give --cores LIST"};
  return {"isolated cpus", Grade::kGood, isolated, "give them to shards: --cores " + isolated};
}

Finding check_clock(const Machine& machine) {
  const auto source = first_line(machine, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!source) return {"clock source", Grade::kNote, "the system does not say", ""};
  const bool fast = *source == "tsc" || *source == "kvm-clock" || *source == "hyperv_clocksource_tsc_page" ||
                    *source == "arch_sys_counter";
  return {"clock source", fast ? Grade::kGood : Grade::kWarning,
          fast ? *source : *source + ": reading the time is a system call",
          fast ? "" : "boot with tsc=reliable where the processor's counter is invariant"};
}

Finding check_transparent_pages(const Machine& machine) {
  const auto line = first_line(machine, "/sys/kernel/mm/transparent_hugepage/enabled");
  if (!line) return {"transparent huge pages", Grade::kNote, "not in this kernel", ""};
  const std::string mode = chosen_word(*line);
  if (mode == "never")
    return {"transparent huge pages", Grade::kWarning, "never: large state pays more TLB misses",
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"};
  return {"transparent huge pages", Grade::kGood, mode, ""};
}

Finding check_huge_pages(const Machine& machine) {
  const std::int64_t pages = number_in(machine, "/proc/sys/vm/nr_hugepages").value_or(0);
  return {"explicit huge pages", Grade::kNote,
          pages == 0 ? "none reserved; Weir does not need them" : fmt::format("{} reserved", pages), ""};
}

Finding check_numa(const Machine& machine) {
  const std::string nodes = first_line(machine, "/sys/devices/system/node/online").value_or("0");
  if (nodes == "0") return {"numa", Grade::kGood, "one node", ""};
  return {"numa", Grade::kNote, "nodes " + nodes + ": memory of another node is slower",
          "keep a job on one node: give --cores CPUs of one of /sys/devices/system/node/node*/cpulist"};
}

Finding check_perf(const Machine& machine) {
  const auto level = number_in(machine, "/proc/sys/kernel/perf_event_paranoid");
  if (!level) return {"perf events", Grade::kNote, "not in this kernel", ""};
  if (*level <= 1 || machine.privileged)
    return {"perf events", Grade::kGood, fmt::format("perf_event_paranoid is {}", *level), ""};
  return {"perf events", Grade::kNote, fmt::format("perf_event_paranoid is {}: profilers see little", *level),
          "sudo sysctl kernel.perf_event_paranoid=1"};
}

Finding check_sibling_threads(const Machine& machine) {
  const auto active = number_in(machine, "/sys/devices/system/cpu/smt/active");
  if (!active) return {"sibling threads", Grade::kNote, "the system does not say", ""};
  if (*active == 0) return {"sibling threads", Grade::kGood, "off, or the processor has none", ""};
  return {"sibling threads", Grade::kNote, "on: two CPUs share a core, and a busy one slows the other",
          "give shards CPUs of different cores (/sys/devices/system/cpu/cpu*/topology/thread_siblings_list), or: echo "
          "off | sudo tee /sys/devices/system/cpu/smt/control"};
}

/// How long a CPU that sleeps takes to come back, at most.
Finding check_sleep_states(const Machine& machine) {
  constexpr std::int64_t kFineUs = 10;
  std::int64_t longest_us = -1;
  for (const int cpu : machine.usable_cpus) {
    for (int state = 0;; ++state) {
      const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cpuidle/state{}", cpu, state);
      const auto latency_us = number_in(machine, folder + "/latency");
      if (!latency_us) break;
      if (number_in(machine, folder + "/disable").value_or(0) == 0) longest_us = std::max(longest_us, *latency_us);
    }
  }
  if (longest_us < 0)
    return {"sleep states", Grade::kNote, "the system does not say (a virtual machine as a rule)", ""};
  const std::string found = fmt::format("a sleeping CPU is back after at most {} us", longest_us);
  if (longest_us <= kFineUs) return {"sleep states", Grade::kGood, found, ""};
  return {"sleep states", Grade::kNote, found + "; a shard that spins never sleeps",
          "where shards park and that is too long: sudo cpupower idle-set -D 10"};
}

Finding check_ticks(const Machine& machine) {
  const std::string tickless = first_line(machine, "/sys/devices/system/cpu/nohz_full").value_or("");
  if (tickless.empty() || tickless == "(null)")
    return {"timer ticks", Grade::kNote, "on every CPU: a spinning shard is interrupted some hundred times a second",
            "for even latency boot with nohz_full=LIST rcu_nocbs=LIST and give --cores LIST"};
  return {"timer ticks", Grade::kGood, "off on busy CPUs " + tickless, ""};
}

Finding check_timer_slack(const Machine& machine) {
  constexpr std::uint64_t kUsualNs = 50'000;
  const std::string found = fmt::format("{} us: so much later may a parked shard wake by itself",
                                        static_cast<double>(machine.timer_slack_ns) / 1000);
  if (machine.timer_slack_ns <= kUsualNs) return {"timer slack", Grade::kGood, found, ""};
  return {"timer slack", Grade::kWarning, found, "the program that starts this one sets it: prctl(PR_SET_TIMERSLACK)"};
}

Finding check_hypervisor(const Machine& machine) {
  if (!machine.virtual_machine) return {"virtual machine", Grade::kGood, "no, or it does not say so", ""};
  return {"virtual machine", Grade::kNote, "yes: its host may take the CPU away, which no setting here mends",
          "weir bench latency shows the gaps of a loop that only spins"};
}

Finding check_time_zones(const Machine& machine) {
  std::error_code ignored;
  if (std::filesystem::exists(machine.root + "/usr/share/zoneinfo/Europe/Berlin", ignored)) {
    const auto version = first_line(machine, "/usr/share/zoneinfo/tzdata.zi");
    return {"time zones", Grade::kGood,
            version && version->starts_with("# version ") ? "tzdata " + version->substr(10) : "tzdata is installed",
            ""};
  }
  return {"time zones", Grade::kFailure, "no time zone data: any table.local-time-zone but UTC fails",
          "sudo apt-get install tzdata"};
}

int try_ring(unsigned flags) {
  io_uring_params params;
  std::memset(&params, 0, sizeof(params));
  params.flags = flags;
  const long ring = syscall(__NR_io_uring_setup, 8, &params);
  if (ring < 0) return errno;
  close(static_cast<int>(ring));
  return 0;
}

std::uint64_t soft_limit(__rlimit_resource resource) {
  rlimit limit = {};
  if (getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<std::uint64_t>::max() : limit.rlim_cur;
}

}  // namespace

std::vector<Finding> examine(const Machine& machine) {
  return {check_kernel(machine),          check_io_uring(machine),     check_memlock(machine),
          check_open_files(machine),      check_cpu(machine),          check_governor(machine),
          check_isolation(machine),       check_clock(machine),        check_transparent_pages(machine),
          check_huge_pages(machine),      check_numa(machine),         check_perf(machine),
          check_sibling_threads(machine), check_sleep_states(machine), check_ticks(machine),
          check_timer_slack(machine),     check_hypervisor(machine),   check_time_zones(machine)};
}

Machine this_machine() {
  Machine machine;
  utsname names = {};
  if (uname(&names) == 0) machine.kernel_release = names.release;
  machine.io_uring_errno = try_ring(0);
  machine.io_uring_fast_errno = try_ring(kSetupSingleIssuer | kSetupDeferTaskrun);
  machine.memlock_bytes = soft_limit(RLIMIT_MEMLOCK);
  machine.open_files = soft_limit(RLIMIT_NOFILE);
  machine.privileged = geteuid() == 0;
  machine.timer_slack_ns = static_cast<std::uint64_t>(std::max(0, prctl(PR_GET_TIMERSLACK)));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &cpus)) machine.usable_cpus.push_back(cpu);
  machine.cpu_baseline = __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("popcnt") != 0 &&
                         __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
  std::ifstream cpu_info("/proc/cpuinfo");
  for (std::string line; std::getline(cpu_info, line) && !machine.virtual_machine;)
    machine.virtual_machine = line.starts_with("flags") && line.find(" hypervisor") != std::string::npos;
  machine.cpu_wide = __builtin_cpu_supports("avx2") != 0;
  return machine;
}

int print_findings(const std::vector<Finding>& findings, const Console& console) {
  constexpr const char* kGradeNames[] = {"good", "note", "warning", "failure"};
  const bool failed = std::any_of(findings.begin(), findings.end(),
                                  [](const Finding& finding) { return finding.grade == Grade::kFailure; });
  std::string text;
  for (const Finding& finding : findings) {
    const char* grade = kGradeNames[static_cast<std::size_t>(finding.grade)];
    if (console.json())
      text += fmt::format("{}{{\"name\":{},\"grade\":\"{}\",\"found\":{},\"advice\":{}}}", text.empty() ? "" : ",",
                          json_quote(finding.name), grade, json_quote(finding.found), json_quote(finding.advice));
    else if (!console.quiet() || finding.grade >= Grade::kWarning)
      text += fmt::format("{:<8} {:<23} {}\n{}", grade, finding.name, finding.found,
                          finding.advice.empty() ? "" : fmt::format("{:33}-> {}\n", "", finding.advice));
  }
  if (console.json())
    text = fmt::format("{{\"version\":{},\"event\":\"doctor\",\"ok\":{},\"findings\":[{}]}}\n", kJsonVersion, !failed,
                       text);
  const int written = console.answer(text);
  return written != kExitOk ? written : failed ? kExitFailure : kExitOk;
}

}  // namespace weir::cli

// The doctor on machines that are made up, one ill in each respect.
#include "doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace weir::cli {
namespace {

using Grade = Finding::Grade;
using testing::HasSubstr;
using testing::IsEmpty;

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    machine_.root = testing::TempDir() + "weir_doctor_" + info->name();
    std::filesystem::remove_all(machine_.root);
    machine_.kernel_release = "6.12.1-amd64";
    machine_.usable_cpus = {0, 1};
    put("/proc/sys/kernel/io_uring_disabled", "0\n");
    put("/proc/sys/kernel/perf_event_paranoid", "1\n");
    put("/proc/sys/vm/nr_hugepages", "0\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    put("/sys/devices/system/cpu/isolated", "1\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc \n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("/sys/devices/system/node/online", "0\n");
    put("/usr/share/zoneinfo/Europe/Berlin", "TZif");
    put("/usr/share/zoneinfo/tzdata.zi", "# version 2026a\n");
  }
  void TearDown() override { std::filesystem::remove_all(machine_.root); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = machine_.root + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  Finding finding(const std::string& name) const {
    for (const Finding& found : examine(machine_))
      if (found.name == name) return found;
    ADD_FAILURE() << "no finding named " << name;
    return {};
  }

  Machine machine_;
};

TEST_F(DoctorTest, FindsNothingWrongWithAGoodMachine) {
  for (const Finding& found : examine(machine_)) {
    EXPECT_LE(found.grade, Grade::kNote) << found.name << ": " << found.found;
    EXPECT_FALSE(found.found.empty()) << found.name;
  }
  EXPECT_THAT(finding("time zones").found, HasSubstr("2026a"));
  EXPECT_EQ(finding("transparent huge pages").found, "madvise");
}

TEST_F(DoctorTest, EveryWarningAndFailureSaysWhatToDo) {
  machine_.kernel_release = "5.10.0";
  machine_.io_uring_errno = EPERM;
  machine_.memlock_bytes = 8u << 20;
  machine_.open_files = 256;
  machine_.cpu_baseline = false;
  put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  machine_.timer_slack_ns = 5'000'000;
  put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  std::filesystem::remove_all(machine_.root + "/usr");
  int ill = 0;
  for (const Finding& found : examine(machine_)) {
    if (found.grade < Grade::kWarning) continue;
    ++ill;
    EXPECT_FALSE(found.advice.empty()) << found.name;
  }
  EXPECT_EQ(ill, 10);
  EXPECT_EQ(finding("cpu").grade, Grade::kFailure);
  EXPECT_EQ(finding("time zones").grade, Grade::kFailure);
}

TEST_F(DoctorTest, TellsASysctlFromASandboxFromAKernelWithoutIoUring) {
  machine_.io_uring_errno = EPERM;
  EXPECT_THAT(finding("io_uring").advice, HasSubstr("seccomp"));
  put("/proc/sys/kernel/io_uring_disabled", "2\n");
  EXPECT_THAT(finding("io_uring").found, HasSubstr("io_uring_disabled is 2"));
  EXPECT_THAT(finding("io_uring").advice, HasSubstr("sysctl"));
  put("/proc/sys/kernel/io_uring_disabled", "0\n");
  machine_.io_uring_errno = ENOSYS;
  EXPECT_THAT(finding("io_uring").advice, HasSubstr("built without"));
  machine_.io_uring_errno = ENOMEM;
  EXPECT_THAT(finding("io_uring").advice, HasSubstr("memlock"));
  machine_.io_uring_errno = 0;
  machine_.io_uring_fast_errno = EINVAL;
  EXPECT_EQ(finding("io_uring").grade, Grade::kWarning);
}

TEST_F(DoctorTest, DrawsTheLineOfKernelsAtSixOne) {
  for (const char* release : {"6.1.0-18-amd64", "6.1", "6.18.3", "7.0.0-rc1"}) {
    machine_.kernel_release = release;
    EXPECT_EQ(finding("kernel").grade, Grade::kGood) << release;
  }
  for (const char* release : {"6.0.19", "5.19.0", "", "?"}) {
    machine_.kernel_release = release;
    EXPECT_EQ(finding("kernel").grade, Grade::kWarning) << release;
  }
}

TEST_F(DoctorTest, RootIsNotBoundByTheMemlockLimit) {
  machine_.memlock_bytes = 1 << 20;
  EXPECT_EQ(finding("memlock").grade, Grade::kWarning);
  machine_.privileged = true;
  EXPECT_EQ(finding("memlock").grade, Grade::kGood);
}

TEST_F(DoctorTest, AMachineThatSaysNothingIsNoFailure) {
  std::filesystem::remove_all(machine_.root + "/sys");
  std::filesystem::remove_all(machine_.root + "/proc");
  for (const Finding& found : examine(machine_)) EXPECT_LE(found.grade, Grade::kNote) << found.name;
}

TEST_F(DoctorTest, SeveralNodesAndIsolatedCpusAreNamed) {
  put("/sys/devices/system/node/online", "0-1\n");
  EXPECT_THAT(finding("numa").found, HasSubstr("0-1"));
  put("/sys/devices/system/cpu/isolated", "2-3\n");
  EXPECT_THAT(finding("isolated cpus").advice, HasSubstr("--cores 2-3"));
  put("/sys/devices/system/cpu/isolated", "\n");
  EXPECT_EQ(finding("isolated cpus").grade, Grade::kNote);
}

TEST_F(DoctorTest, SaysWhatMakesLatencyUneven) {
  EXPECT_EQ(finding("sibling threads").grade, Grade::kNote);
  put("/sys/devices/system/cpu/smt/active", "0\n");
  EXPECT_EQ(finding("sibling threads").grade, Grade::kGood);
  put("/sys/devices/system/cpu/smt/active", "1\n");
  EXPECT_THAT(finding("sibling threads").advice, HasSubstr("smt/control"));
  put("/sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "2\n");
  EXPECT_EQ(finding("sleep states").grade, Grade::kGood);
  put("/sys/devices/system/cpu/cpu1/cpuidle/state0/latency", "0\n");
  put("/sys/devices/system/cpu/cpu1/cpuidle/state1/latency", "350\n");
  EXPECT_THAT(finding("sleep states").found, HasSubstr("350 us"));
  EXPECT_EQ(finding("sleep states").grade, Grade::kNote);
  put("/sys/devices/system/cpu/cpu1/cpuidle/state1/disable", "1\n");
  EXPECT_EQ(finding("sleep states").grade, Grade::kGood);
  EXPECT_EQ(finding("timer ticks").grade, Grade::kNote);
  put("/sys/devices/system/cpu/nohz_full", "2-3\n");
  EXPECT_THAT(finding("timer ticks").found, HasSubstr("2-3"));
  EXPECT_EQ(finding("timer slack").grade, Grade::kGood);
  machine_.virtual_machine = true;
  EXPECT_THAT(finding("virtual machine").advice, HasSubstr("weir bench latency"));
}

TEST_F(DoctorTest, ThisMachineCanBeExamined) {
  const Machine machine = this_machine();
  EXPECT_THAT(machine.kernel_release, testing::Not(IsEmpty()));
  EXPECT_THAT(machine.usable_cpus, testing::Not(IsEmpty()));
  EXPECT_EQ(examine(machine).size(), examine(machine_).size());
}

}  // namespace
}  // namespace weir::cli

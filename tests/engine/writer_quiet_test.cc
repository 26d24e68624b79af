// After start, between a host's append and its callback there is no allocation, no lock and no system call: counted on
// both threads by the tests' own malloc and mutex, and by a filter of the kernel's that ends a child process at the
// first call.
#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <functional>
#include <mutex>

#include "engine/allocation_count.h"
#include "engine/host_rows.h"
#include "engine/job_run.h"

namespace {
thread_local bool locks_watched = false;
std::atomic<std::uint64_t> locks_taken{0};
}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  using Lock = int (*)(pthread_mutex_t*);
  static const Lock lock = reinterpret_cast<Lock>(::dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  if (locks_watched) locks_taken.fetch_add(1, std::memory_order_relaxed);
  return lock(mutex);
}
#endif

namespace weir::test {
namespace {

constexpr std::size_t kTicks = 40'000;
constexpr std::size_t kWarmTicks = 2'000;

enum class Watch { kNothing, kHeapAndLocks, kSystemCalls };

/// Of the child, seen by its parent.
struct Trace {
  std::atomic<long> call{-1};  ///< The first system call; -1: none.
  std::atomic<std::uint64_t> bars{0};
};
Trace* trace = nullptr;

extern "C" void on_system_call(int, siginfo_t* info, void*) {
  trace->call.store(info->si_syscall);
  ::syscall(SYS_exit_group, 3);
}

/// From here on any system call of this thread but the end of the process is caught. Returns false where the kernel
/// does not let us.
bool forbid_system_calls() {
  struct sigaction action = {};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGSYS);
  ::pthread_sigmask(SIG_UNBLOCK, &caught, nullptr);
  std::array<sock_filter, 4> code = {
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offsetof(seccomp_data, nr))},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_exit_group},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}, sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP}};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool begin_watch(Watch watch) {
  if (watch == Watch::kSystemCalls) return forbid_system_calls();
  if (watch == Watch::kHeapAndLocks) {
    watch_this_thread();
    locks_watched = true;
  }
  return true;
}

/// Runs bars of ticks; the appending thread and the thread of the callback are watched from warm on. Returns how many
/// bars came, or -1 where watching was refused. Windows open and close all the while.
long run_watched(bool inline_append, WriterOrder order, Watch watch) {
  const std::vector<Tick> ticks = make_ticks(kTicks, 17);
  std::atomic<std::uint64_t> bars{0};
  std::atomic<bool> refused{false};
  std::atomic<int> watch_callback{0};
  JobOptions options = small_options();
  options.inline_append = inline_append;
  options.idle = IdleKind::kBusySpin;
  options.host_tables["ticks"].structs = tick_layout();
  options.host_tables["ticks"].feed = {.writers = 1, .order = order};
  options.host_tables["bars"].write = [&](std::uint32_t, const Batch& batch) {
    if (watch_callback.load() == 1) {
      watch_callback.store(2);
      if (!inline_append && !begin_watch(watch)) refused.store(true);
    }
    bars.fetch_add(batch.selected_count());
  };
  auto job = make_job(kBarsSql, std::move(options));
  if (!job.has_value()) return -2;
  Writer writer = std::move((*job)->writer("ticks")).value();
  if (!inline_append && !(*job)->start().has_value()) return -2;
  const auto append = [&](std::size_t from, std::size_t to) {
    while (from < to) from += writer.append(ticks[from]) == Appended::kDone ? 1 : 0;
    while (writer.rows_unread() != 0 && !(*job)->progress().finished) {
    }
  };
  append(0, kWarmTicks);
  (void)(*job)->progress();
  watch_callback.store(1);
  append(kWarmTicks, 2 * kWarmTicks);
  if (watch_callback.load() != 2) return -2;
  if (!begin_watch(watch) || refused.load()) return -1;
  for (std::size_t at = 2 * kWarmTicks; at < kTicks;) at += writer.append(ticks[at]) == Appended::kDone ? 1 : 0;
  while (writer.rows_unread() != 0) {
  }
  if (watch == Watch::kSystemCalls) {
    trace->bars.store(bars.load());
    ::syscall(SYS_exit_group, 0);
  }
  unwatch_this_thread();
  locks_watched = false;
  (*job)->stop();
  (void)(*job)->wait_for(std::int64_t{10'000'000'000});
  return static_cast<long>(bars.load());
}

/// What a child process that does this came to. Errors end the test that calls.
struct Child {
  int status = 0;
  long call = -1;
  std::uint64_t bars = 0;
  bool unfiltered() const { return WIFEXITED(status) && WEXITSTATUS(status) == 77; }
};
void run_in_child(const std::function<int()>& work, Child& child) {
  void* shared = ::mmap(nullptr, sizeof(Trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  trace = ::new (shared) Trace();
  const pid_t id = ::fork();
  ASSERT_GE(id, 0);
  if (id == 0) ::_exit(work());
  ASSERT_EQ(::waitpid(id, &child.status, 0), id);
  child.call = trace->call.load();
  child.bars = trace->bars.load();
  ::munmap(shared, sizeof(Trace));
}

class Quiet : public testing::TestWithParam<std::tuple<bool, WriterOrder>> {
 protected:
  void SetUp() override {
    if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer has its own malloc and makes system calls";
  }
};

TEST_P(Quiet, NothingIsAllocatedOrLockedBetweenAppendAndCallback) {
  const auto [inline_append, order] = GetParam();
  reset_allocations();
  locks_taken.store(0);
  EXPECT_GT(run_watched(inline_append, order, Watch::kHeapAndLocks), 1000);
  EXPECT_EQ(allocations(), 0u) << first_allocation();
  EXPECT_EQ(locks_taken.load(), 0u);
}

TEST_P(Quiet, NoSystemCallIsMadeBetweenAppendAndCallback) {
  const auto [inline_append, order] = GetParam();
  Child child;
  ASSERT_NO_FATAL_FAILURE(
      run_in_child([=] { return run_watched(inline_append, order, Watch::kSystemCalls) == -1 ? 77 : 4; }, child));
  if (child.unfiltered()) GTEST_SKIP() << "the kernel lets this process set no filter";
  if (child.call == SYS_clock_gettime) GTEST_SKIP() << "reading the clock is a system call on this machine";
  EXPECT_EQ(child.call, -1) << "system call " << child.call;
  EXPECT_TRUE(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0) << "status " << child.status;
  EXPECT_GT(child.bars, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Modes, Quiet,
                         testing::Combine(testing::Bool(), testing::Values(WriterOrder::kOwn, WriterOrder::kShared)));

TEST(QuietOracle, AnAllocationALockAndASystemCallAreSeen) {
  if (!allocations_are_counted()) GTEST_SKIP() << "a sanitizer has its own malloc";
  reset_allocations();
  locks_taken.store(0);
  watch_this_thread();
  locks_watched = true;
  std::mutex mutex;
  mutex.lock();
  mutex.unlock();
  auto* volatile kept = new int(3);
  unwatch_this_thread();
  locks_watched = false;
  delete kept;
  EXPECT_EQ(allocations(), 1u);
  EXPECT_EQ(locks_taken.load(), 1u);
  Child child;
  ASSERT_NO_FATAL_FAILURE(run_in_child(
      [] {
        if (!forbid_system_calls()) return 77;
        (void)::syscall(SYS_getppid);
        ::syscall(SYS_exit_group, 0);
        return 0;
      },
      child));
  if (child.unfiltered()) GTEST_SKIP() << "the kernel lets this process set no filter";
  EXPECT_EQ(child.call, SYS_getppid);
  EXPECT_EQ(WEXITSTATUS(child.status), 3);
}

}  // namespace
}  // namespace weir::test

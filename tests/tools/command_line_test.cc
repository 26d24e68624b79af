// What a command line means, and which ones are refused.
#include "command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParsedCommandLine parse(std::initializer_list<const char*> arguments) {
  std::vector<const char*> all{"weir"};
  all.insert(all.end(), arguments);
  return parse_command_line(static_cast<int>(all.size()), all.data());
}

void expect_refused(std::initializer_list<const char*> arguments, const char* part) {
  const ParsedCommandLine parsed = parse(arguments);
  EXPECT_FALSE(parsed.command.has_value()) << part;
  EXPECT_EQ(parsed.exit_code, kExitUsage);
  EXPECT_THAT(parsed.text, HasSubstr(part));
}

TEST(CommandLine, AFileAloneTakesTheDefaultsOfJobOptions) {
  const ParsedCommandLine parsed = parse({"run", "job.sql"});
  ASSERT_TRUE(parsed.command.has_value()) << parsed.text;
  const JobOptions defaults;
  EXPECT_EQ(parsed.command->verb, Verb::kRun);
  EXPECT_EQ(parsed.command->job_file, "job.sql");
  EXPECT_FALSE(parsed.command->sql.has_value());
  EXPECT_EQ(parsed.command->job.shards, defaults.shards);
  EXPECT_EQ(parsed.command->job.batch_rows, defaults.batch_rows);
  EXPECT_EQ(parsed.command->job.ring_batches, defaults.ring_batches);
  EXPECT_EQ(parsed.command->job.groups_max, defaults.groups_max);
  EXPECT_EQ(parsed.command->job.record_bytes_max, defaults.record_bytes_max);
  EXPECT_EQ(parsed.command->job.backend, defaults.backend);
  EXPECT_EQ(parsed.command->job.idle, defaults.idle);
  EXPECT_EQ(parsed.command->job.keyed_plan, defaults.keyed_plan);
  EXPECT_EQ(parsed.command->job.trace_spans_max, 0u);
  EXPECT_TRUE(parsed.command->job.pin);
  EXPECT_FALSE(parsed.command->sim);
  EXPECT_EQ(parsed.command->verbosity, 0);
}

TEST(CommandLine, EveryOptionReachesItsPlace) {
  const ParsedCommandLine parsed = parse({"audit",
                                          "-",
                                          "--shards",
                                          "3",
                                          "--cores",
                                          "1-2,5",
                                          "--no-pin",
                                          "--backend",
                                          "epoll",
                                          "--poll",
                                          "park",
                                          "--simd",
                                          "scalar",
                                          "--keyed-plan",
                                          "shuffle",
                                          "--set",
                                          "a=b=c",
                                          "--set",
                                          "d=",
                                          "--batch-rows",
                                          "64",
                                          "--ring-batches",
                                          "2",
                                          "--fail-on-drop",
                                          "--trace",
                                          "t.json",
                                          "--json",
                                          "--progress",
                                          "--color",
                                          "never",
                                          "-v",
                                          "-v",
                                          "--record-bytes-max",
                                          "16k",
                                          "--state-bytes-max",
                                          "2mb",
                                          "--groups-max",
                                          "9",
                                          "--slices-max",
                                          "8",
                                          "--malformed-max",
                                          "7",
                                          "--heap-bytes",
                                          "1000",
                                          "--seed",
                                          "5"});
  ASSERT_TRUE(parsed.command.has_value()) << parsed.text;
  const CommandLine& command = *parsed.command;
  EXPECT_EQ(command.verb, Verb::kAudit);
  EXPECT_EQ(command.job_file, "-");
  EXPECT_EQ(command.job.shards, 3u);
  EXPECT_THAT(command.job.cpus, ElementsAre(1, 2, 5));
  EXPECT_FALSE(command.job.pin);
  EXPECT_EQ(command.job.backend, BackendKind::kEpoll);
  EXPECT_EQ(command.job.idle, IdleKind::kPark);
  EXPECT_EQ(command.job.simd, SimdKind::kScalar);
  EXPECT_EQ(command.job.keyed_plan, KeyedPlan::kShuffle);
  EXPECT_EQ(command.settings, (std::map<std::string, std::string>{{"a", "b=c"}, {"d", ""}}));
  EXPECT_EQ(command.job.batch_rows, 64u);
  EXPECT_EQ(command.job.ring_batches, 2u);
  EXPECT_TRUE(command.job.fail_on_drop);
  EXPECT_EQ(command.trace_file, "t.json");
  EXPECT_GT(command.job.trace_spans_max, 0u);
  EXPECT_TRUE(command.json);
  EXPECT_TRUE(command.progress);
  EXPECT_EQ(command.color, ColorWhen::kNever);
  EXPECT_EQ(command.verbosity, 2);
  EXPECT_EQ(command.job.record_bytes_max, 16u << 10);
  EXPECT_EQ(command.job.state_bytes_max, 2u << 20);
  EXPECT_EQ(command.job.groups_max, 9u);
  EXPECT_EQ(command.job.slices_max, 8u);
  EXPECT_EQ(command.job.malformed_max, 7u);
  EXPECT_EQ(command.job.heap_bytes, 1000u);
  EXPECT_EQ(command.job.seed, 5u);
}

TEST(CommandLine, WordsOfAChoiceMeanTheirValues) {
  const auto job = [](const char* option, const char* word) {
    const ParsedCommandLine parsed = parse({"run", "x", option, word});
    EXPECT_TRUE(parsed.command.has_value()) << parsed.text;
    return parsed.command ? parsed.command->job : JobOptions{};
  };
  EXPECT_EQ(job("--backend", "auto").backend, BackendKind::kAuto);
  EXPECT_EQ(job("--backend", "uring").backend, BackendKind::kUring);
  EXPECT_EQ(job("--poll", "busy").idle, IdleKind::kBusySpin);
  EXPECT_EQ(job("--poll", "yield").idle, IdleKind::kYield);
  EXPECT_EQ(job("--poll", "backoff").idle, IdleKind::kBackOff);
  EXPECT_EQ(job("--keyed-plan", "local").keyed_plan, KeyedPlan::kLocalMerge);
  EXPECT_EQ(job("--keyed-plan", "auto").keyed_plan, KeyedPlan::kAuto);
  EXPECT_EQ(job("--simd", "best").simd, SimdKind::kBest);
  EXPECT_TRUE(parse({"run", "x", "--backend", "sim"}).command->sim);
}

TEST(CommandLine, CoresGiveTheNumberOfShardsWhereNobodySaysIt) {
  EXPECT_EQ(parse({"run", "x", "--cores", "2-5"}).command->job.shards, 4u);
  EXPECT_EQ(parse({"run", "x", "--cores", "2-5", "--shards", "1"}).command->job.shards, 1u);
  expect_refused({"run", "x", "--cores", "0", "--shards", "2"}, "1 CPUs for 2 shards");
  expect_refused({"run", "x", "--cores", "0-64"}, "at most 64");
}

TEST(CommandLine, SqlComesFromExactlyOnePlace) {
  const ParsedCommandLine parsed = parse({"check", "-e", "SELECT 1"});
  ASSERT_TRUE(parsed.command.has_value());
  EXPECT_EQ(parsed.command->sql, "SELECT 1");
  EXPECT_EQ(parsed.command->verb, Verb::kCheck);
  expect_refused({"run"}, "give a file");
  expect_refused({"run", "x.sql", "-e", "SELECT 1"}, "not both");
}

TEST(CommandLine, WrongOnesAreRefusedWithTheirName) {
  expect_refused({}, "subcommand");
  expect_refused({"rum", "x"}, "rum");
  expect_refused({"run", "x", "--shards", "0"}, "shards");
  expect_refused({"run", "x", "--shards", "65"}, "shards");
  expect_refused({"run", "x", "--shards", "two"}, "shards");
  expect_refused({"run", "x", "--batch-rows", "65537"}, "batch-rows");
  expect_refused({"run", "x", "--ring-batches", "0"}, "ring-batches");
  expect_refused({"run", "x", "--backend", "kqueue"}, "backend");
  expect_refused({"run", "x", "--set", "novalue"}, "novalue");
  expect_refused({"run", "x", "--set", "=v"}, "=v");
  expect_refused({"run", "x", "--cores", "3-1"}, "3-1");
  expect_refused({"run", "x", "--nonsense"}, "nonsense");
  expect_refused({"explain", "x", "--trace", "t"}, "trace");
  expect_refused({"doctor", "x"}, "x");
}

TEST(CommandLine, HelpIsNoError) {
  const ParsedCommandLine all = parse({"--help"});
  EXPECT_FALSE(all.command.has_value());
  EXPECT_EQ(all.exit_code, kExitOk);
  for (const char* verb : {"run", "audit", "check", "explain", "doctor", "version"})
    EXPECT_THAT(all.text, HasSubstr(verb));
  const ParsedCommandLine one = parse({"run", "--help"});
  EXPECT_EQ(one.exit_code, kExitOk);
  EXPECT_THAT(one.text, HasSubstr("--fail-on-drop"));
}

TEST(CommandLine, VersionIsAVerbAndAFlag) {
  EXPECT_EQ(parse({"version"}).command->verb, Verb::kVersion);
  EXPECT_EQ(parse({"--version"}).command->verb, Verb::kVersion);
}

TEST(CpuList, TakesNumbersAndRanges) {
  EXPECT_THAT(*parse_cpu_list("0"), ElementsAre(0));
  EXPECT_THAT(*parse_cpu_list("0-2,7,4-4"), ElementsAre(0, 1, 2, 7, 4));
  EXPECT_THAT(*parse_cpu_list("1023"), ElementsAre(1023));
}

TEST(CpuList, RefusesWhatIsNoList) {
  for (const char* text : {"", "a", "1,", ",1", "1-", "-1", "2-1", "1,1", "0-3,2", "1024", "1 2", "99999999999"})
    EXPECT_FALSE(parse_cpu_list(text).has_value()) << text;
}

TEST(ExitCode, FollowsTheKindOfTheError) {
  EXPECT_EQ(exit_code_of(ErrorCode::kInvalidArgument), kExitUsage);
  EXPECT_EQ(exit_code_of(ErrorCode::kUnavailable), kExitUnavailable);
  EXPECT_EQ(exit_code_of(ErrorCode::kUnsupported), kExitConfig);
  EXPECT_EQ(exit_code_of(ErrorCode::kNotFound), kExitIo);
  EXPECT_EQ(exit_code_of(ErrorCode::kBrokenPipe), kExitIo);
  EXPECT_EQ(exit_code_of(ErrorCode::kMalformedRecord), kExitFailure);
  EXPECT_EQ(exit_code_of(ErrorCode::kSqlSyntax), kExitConfig);
  EXPECT_EQ(exit_code_of(ErrorCode::kDivisionByZero), kExitFailure);
  EXPECT_EQ(exit_code_of(ErrorCode::kLossPolicy), kExitLoss);
  EXPECT_EQ(exit_code_of(ErrorCode::kCancelled), kExitStopped);
  EXPECT_EQ(exit_code_of(ErrorCode::kLimitExceeded), kExitFailure);
}

}  // namespace
}  // namespace weir::cli

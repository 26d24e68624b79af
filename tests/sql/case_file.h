// A *.test file: inputs, a job, and what must come of it. The format stands in tests/sql/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir::test {

struct CaseFile {
  std::string name;                          ///< Of the file, without its suffix.
  std::map<std::string, std::string> files;  ///< ---- file NAME
  std::map<std::string, std::string>
      loads;           ///< ---- load TABLE FILE: table of the oracle → input file ($x: of tests/data)
  std::string sql;     ///< ---- sql
  std::string oracle;  ///< ---- oracle: a SQLite query over the loaded tables
  std::optional<std::vector<std::string>> rows;  ///< ---- rows: csv lines, in any order
  std::map<std::string, std::uint64_t> ledger;   ///< ---- ledger name=count …
  std::string error;                             ///< ---- error TEXT: a part of the error's text
  bool shards_only_one = false;                  ///< ---- one shard (an answer that depends on arrival order)
};

/// Reads a case. A file that is not in the format fails the test that reads it.
CaseFile read_case(const std::string& path);

/// The oracle's answer: each row as csv. Empty text for NULL.
std::vector<std::string> ask_sqlite(const CaseFile& test);

}  // namespace weir::test

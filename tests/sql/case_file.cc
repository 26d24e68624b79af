// Reading *.test files and asking SQLite (case_file.h).
#include "sql/case_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace weir::test {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void check(sqlite3* db, int status, const std::string& what) {
  ASSERT_EQ(status, SQLITE_OK) << what << ": " << sqlite3_errmsg(db);
}

/// A file of tests/data.
std::string data_file(const std::string& name) {
  std::ifstream in(std::string(WEIR_SOURCE_DIR) + "/tests/data/" + name);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> split_commas(const std::string& line) {
  std::vector<std::string> fields(1);
  for (char c : line) {
    if (c == ',')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

/// Loads a file of plain csv (a header, no quotes) with columns that take the type of what is in them.
void load(sqlite3* db, const std::string& table, const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  std::string columns, marks;
  for (const std::string& name : split_commas(line)) {
    columns += (columns.empty() ? "" : ", ") + name + " NUMERIC";
    marks += marks.empty() ? "?" : ", ?";
  }
  check(db, sqlite3_exec(db, ("CREATE TABLE " + table + " (" + columns + ")").c_str(), nullptr, nullptr, nullptr),
        table);
  sqlite3_stmt* insert = nullptr;
  check(db, sqlite3_prepare_v2(db, ("INSERT INTO " + table + " VALUES (" + marks + ")").c_str(), -1, &insert, nullptr),
        table);
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = split_commas(line);
    for (int i = 0; i < static_cast<int>(fields.size()); ++i) {
      const std::string& field = fields[static_cast<std::size_t>(i)];
      if (field.empty())
        sqlite3_bind_null(insert, i + 1);
      else
        sqlite3_bind_text(insert, i + 1, field.c_str(), -1, SQLITE_TRANSIENT);
    }
    ASSERT_EQ(sqlite3_step(insert), SQLITE_DONE) << line;
    sqlite3_reset(insert);
    sqlite3_clear_bindings(insert);
  }
  sqlite3_finalize(insert);
}

}  // namespace

CaseFile read_case(const std::string& path) {
  CaseFile out;
  out.name = std::filesystem::path(path).stem();
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::string line;
  std::string* target = nullptr;
  std::string rows;
  bool in_rows = false;
  while (std::getline(in, line)) {
    if (!line.starts_with("----")) {
      if (target != nullptr) *target += line + "\n";
      continue;
    }
    const std::vector<std::string> words = words_of(line.substr(4));
    EXPECT_FALSE(words.empty()) << path << ": " << line;
    target = nullptr;
    if (words[0] == "file")
      target = &out.files[words.at(1)];
    else if (words[0] == "load")
      out.loads[words.at(1)] = words.at(2);
    else if (words[0] == "sql")
      target = &out.sql;
    else if (words[0] == "oracle")
      target = &out.oracle;
    else if (words[0] == "rows") {
      target = &rows;
      in_rows = true;
    } else if (words[0] == "one")
      out.shards_only_one = true;
    else if (words[0] == "error")
      out.error = line.substr(line.find("error") + 6);
    else if (words[0] == "ledger") {
      for (std::size_t i = 1; i < words.size(); ++i) {
        const std::size_t equals = words[i].find('=');
        out.ledger[words[i].substr(0, equals)] = std::stoull(words[i].substr(equals + 1));
      }
    } else
      ADD_FAILURE() << path << ": unknown section " << line;
  }
  if (in_rows) {
    out.rows.emplace();
    std::istringstream stream(rows);
    while (std::getline(stream, line)) {
      if (!line.empty()) out.rows->push_back(line);
    }
  }
  return out;
}

std::vector<std::string> ask_sqlite(const CaseFile& test) {
  std::vector<std::string> rows;
  sqlite3* db = nullptr;
  check(db, sqlite3_open(":memory:", &db), "open");
  for (const auto& [table, file] : test.loads)
    load(db, table, file[0] == '$' ? data_file(file.substr(1)) : test.files.at(file));
  sqlite3_stmt* query = nullptr;
  check(db, sqlite3_prepare_v2(db, test.oracle.c_str(), -1, &query, nullptr), test.oracle);
  while (sqlite3_step(query) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(query); ++i) {
      if (i != 0) row += ",";
      const auto* text = sqlite3_column_text(query, i);
      if (text != nullptr) row += reinterpret_cast<const char*>(text);
    }
    rows.push_back(row);
  }
  sqlite3_finalize(query);
  sqlite3_close(db);
  return rows;
}

}  // namespace weir::test

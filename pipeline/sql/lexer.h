// Lexer: text to tokens, the first pass of the frontend. Hand-written, so that what people of other dialects type
// (double quotes, ::, ==) gets an answer of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics.h"
#include "token.h"

namespace weir::sql {

/// Tokens of the text with a kEnd at the end. Bad characters are reported and left out. Requires: valid UTF-8.
std::vector<Token> tokenize(std::string_view text, Diagnostics& diagnostics);

/// The value of a kString or kQuoted token: quotes taken off, doubled quotes made one, U& escapes decoded.
std::string token_value(const Token& token);
/// The bytes of a kBytes token.
std::string token_bytes(const Token& token);

/// ASCII upper case; other bytes stay.
std::string to_upper(std::string_view text);
bool equals_ignore_case(std::string_view left, std::string_view right) noexcept;

/// Offset of the first byte that is not valid UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace weir::sql

#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cli/value_error.h"

namespace mq::cli {

/// Reads \n \t \r \0 \\ \e \xNN, as -d and format strings have them. Any other backslash is an error.
[[nodiscard]] Parsed<std::string> unescape(std::string_view text);

/// Appends `bytes` so that a terminal only prints it: control bytes, DEL, C1 controls and broken UTF-8 become \xNN;
/// newline and tab stay as they are. A record cannot send escape sequences.
void append_for_terminal(BytesView bytes, std::string& out);
/// The same in one line: newline and tab become \n and \t.
void append_in_one_line(BytesView bytes, std::string& out);

/// Appends a tsv cell: tab, newline, carriage return and backslash become \t \n \r \\.
void append_tsv(BytesView bytes, std::string& out);

/// Appends a JSON string with its quotes. Every byte that is no UTF-8 becomes U+FFFD: for what must survive, see
/// envelope.h.
void append_json(BytesView bytes, std::string& out);

void append_hex(BytesView bytes, std::string& out);

}  // namespace mq::cli

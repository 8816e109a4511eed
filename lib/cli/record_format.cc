#include "cli/record_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/cursor.h"
#include "cli/escape.h"
#include "cli/table.h"
#include "record/record.h"

namespace mq::cli {
namespace {

using Field = RecordFormat::Field;
using Mod = RecordFormat::Mod;
using Piece = RecordFormat::Piece;

struct ShortToken {
  char letter;
  Field field;
  Mod mod;
};
constexpr ShortToken kShortTokens[] = {
    {'s', Field::value, Mod::none},        {'S', Field::value, Mod::length}, {'k', Field::key, Mod::none},
    {'K', Field::key, Mod::length},        {'t', Field::topic, Mod::none},   {'p', Field::partition, Mod::none},
    {'o', Field::offset, Mod::none},       {'T', Field::ts, Mod::none},      {'h', Field::headers, Mod::none},
    {'R', Field::value, Mod::length_be32},
};

struct FieldName {
  std::string_view name;
  Field field;
};
constexpr FieldName kFields[] = {
    {"value", Field::value},         {"key", Field::key},       {"topic", Field::topic},
    {"partition", Field::partition}, {"offset", Field::offset}, {"ts", Field::ts},
    {"ts_type", Field::ts_type},     {"epoch", Field::epoch},   {"headers", Field::headers},
};

struct ModName {
  std::string_view name;
  Mod mod;
};
constexpr ModName kMods[] = {
    {"hex", Mod::hex},    {"base64", Mod::base64}, {"json", Mod::json},     {"str", Mod::none},
    {"len", Mod::length}, {"iso", Mod::iso},       {"iso_us", Mod::iso_us},
};

/// Does the modifier say something about the field?
bool fits(Field field, Mod mod) {
  if (mod == Mod::none) return true;
  if (mod == Mod::iso || mod == Mod::iso_us) return field == Field::ts;
  return field == Field::value || field == Field::key || field == Field::header || field == Field::topic ||
         (field == Field::headers && mod == Mod::json);
}

/// `FIELD[:MOD]`, which begins at `at` of the whole string.
Parsed<Piece> long_token(std::string_view token, std::size_t at) {
  constexpr std::string_view kHeader = "header.";
  Piece piece;
  // A header's name may hold colons: only a known modifier behind the last one is one.
  std::size_t colon = token.rfind(':');
  std::string_view mod_name;
  if (colon != std::string_view::npos) mod_name = token.substr(colon + 1);
  const ModName* mod = nullptr;
  for (const ModName& row : kMods) {
    if (colon != std::string_view::npos && row.name == mod_name) mod = &row;
  }
  const bool is_header = token.starts_with(kHeader);
  if (mod == nullptr && colon != std::string_view::npos) {
    if (!is_header)
      return bad_value(at + colon + 1, mod_name.size(),
                       "no such modifier; there are hex base64 json str len iso iso_us");
    colon = std::string_view::npos;
  }
  const std::string_view name = token.substr(0, colon);
  if (is_header) {
    piece.field = Field::header;
    piece.text = name.substr(kHeader.size());
    if (piece.text.empty()) return bad_value(at, token.size(), "the header has no name");
  } else {
    const auto row = std::ranges::find(kFields, name, &FieldName::name);
    if (row == std::end(kFields)) {
      return bad_value(
          at, name.size(),
          "no such field; there are value key topic partition offset ts ts_type epoch headers header.NAME");
    }
    piece.field = row->field;
  }
  if (mod != nullptr) {
    piece.mod = mod->mod;
    if (!fits(piece.field, piece.mod))
      return bad_value(at + colon + 1, mod_name.size(), "{} does not go with {}", mod_name, name);
  }
  return piece;
}

void append_length(const std::optional<BytesView>& bytes, Mod mod, std::string& out) {
  const std::int64_t length = bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
  if (mod == Mod::length) {
    fmt::format_to(std::back_inserter(out), "{}", length);
  } else {
    Writer(out).be(static_cast<std::int32_t>(length));
  }
}

void append_bytes(const std::optional<BytesView>& bytes, Mod mod, std::string_view null_text, std::string& out) {
  if (mod == Mod::length || mod == Mod::length_be32) return append_length(bytes, mod, out);
  if (!bytes) {
    out += mod == Mod::json ? "null" : null_text;
    return;
  }
  switch (mod) {
    case Mod::hex:
      append_hex(*bytes, out);
      break;
    case Mod::base64:
      append_base64(*bytes, Base64::padded, out);
      break;
    case Mod::json:
      append_json(*bytes, out);
      break;
    default:
      out += *bytes;
  }
}

void append_time(WallMillis time, Mod mod, std::string& out) {
  if (mod == Mod::none) {
    fmt::format_to(std::back_inserter(out), "{}", time);
  } else {
    out += iso_time(time, mod == Mod::iso_us);
  }
}

void append_headers(const record::HeadersView& headers, Mod mod, std::string_view null_text, std::string& out) {
  const bool is_json = mod == Mod::json;
  if (is_json) out += '[';
  std::string_view before;
  for (const record::HeaderView& header : headers) {
    out += std::exchange(before, ",");
    if (is_json) {
      out += '[';
      append_json(header.key, out);
      out += ',';
      append_bytes(header.value, Mod::json, null_text, out);
      out += ']';
    } else {
      out += header.key;
      out += '=';
      append_bytes(header.value, Mod::none, null_text, out);
    }
  }
  if (is_json) out += ']';
}

/// The last header of that name, as Kafka's `lastHeader`.
std::optional<BytesView> header_of(const record::HeadersView& headers, std::string_view name) {
  std::optional<BytesView> value;
  for (const record::HeaderView& header : headers) {
    if (header.key == name) value = header.value;
  }
  return value;
}

}  // namespace

Parsed<RecordFormat> RecordFormat::compile(std::string_view text) {
  RecordFormat format;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty())
      format.pieces_.push_back({.field = Field::literal, .mod = Mod::none, .text = std::exchange(literal, {})});
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      // An escape is two bytes long, \xNN four.
      const std::size_t length = at + 1 < text.size() && text[at + 1] == 'x' ? 4 : 2;
      auto escaped = unescape(text.substr(at, length));
      if (!escaped) return bad_value(at + escaped.error().at, escaped.error().size, "{}", escaped.error().why);
      literal += *escaped;
      at += length;
      continue;
    }
    if (text[at] != '%') {
      literal += text[at++];
      continue;
    }
    if (at + 1 == text.size()) return bad_value(at, 1, "a percent sign at the end; write %% for one");
    const char letter = text[at + 1];
    if (letter == '%') {
      literal += '%';
      at += 2;
    } else if (letter == '{') {
      const std::size_t close = text.find('}', at);
      if (close == std::string_view::npos) return bad_value(at, text.size() - at, "the closing brace is missing");
      end_literal();
      auto piece = long_token(text.substr(at + 2, close - at - 2), at + 2);
      if (!piece) return std::unexpected(piece.error());
      format.pieces_.push_back(*std::move(piece));
      at = close + 1;
    } else {
      const auto token = std::ranges::find(kShortTokens, letter, &ShortToken::letter);
      if (token == std::end(kShortTokens))
        return bad_value(at, 2, "no such token; there are %s %S %k %K %t %p %o %T %h %R %% and %{{FIELD}}");
      end_literal();
      format.pieces_.push_back({.field = token->field, .mod = token->mod, .text = {}});
      at += 2;
    }
  }
  end_literal();
  return format;
}

void RecordFormat::write(const StoredRecord& stored, std::string& out, std::string_view null_text) const {
  const auto& [where, batch, record] = stored;
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::literal:
        out += piece.text;
        break;
      case Field::value:
        append_bytes(record.value, piece.mod, null_text, out);
        break;
      case Field::key:
        append_bytes(record.key, piece.mod, null_text, out);
        break;
      case Field::topic:
        append_bytes(where.topic, piece.mod, null_text, out);
        break;
      case Field::partition:
        fmt::format_to(std::back_inserter(out), "{}", where.partition);
        break;
      case Field::offset:
        fmt::format_to(std::back_inserter(out), "{}", record.offset.value());
        break;
      case Field::ts:
        append_time(record.timestamp, piece.mod, out);
        break;
      case Field::ts_type:
        out += name_of(batch.timestamp_type());
        break;
      case Field::epoch:
        fmt::format_to(std::back_inserter(out), "{}", batch.leader_epoch.value());
        break;
      case Field::headers:
        append_headers(record.headers, piece.mod, null_text, out);
        break;
      case Field::header:
        append_bytes(header_of(record.headers, piece.text), piece.mod, null_text, out);
        break;
    }
  }
}

std::string_view record_format_help() {
  return R"(%s value       %S its length    %k key       %K its length    %R length of the value, 32 bits big-endian
%t topic       %p partition     %o offset    %T timestamp in ms
%h headers as name=value,...    %% a percent sign
%{FIELD[:MOD]}
  FIELD  value key topic partition offset ts ts_type epoch headers header.NAME
  MOD    hex base64 json str len (bytes), iso iso_us (ts), json (headers)
Escapes: \n \t \r \0 \e \\ \xNN
)";
}

}  // namespace mq::cli

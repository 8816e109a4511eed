#include "cli/envelope.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <memory>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"
#include "cli/escape.h"
#include "record/record.h"

namespace mq::cli {
namespace {

void append_value(std::string_view name, const std::optional<BytesView>& bytes, std::string& out) {
  const bool is_text = !bytes || is_utf8(*bytes);
  fmt::format_to(std::back_inserter(out), ",\"{}{}\":", name, is_text ? "" : "_b64");
  if (!bytes) {
    out += "null";
  } else if (is_text) {
    append_json(*bytes, out);
  } else {
    out += '"';
    append_base64(*bytes, Base64::padded, out);
    out += '"';
  }
}

void append_header_part(BytesView bytes, std::string& out) {
  if (is_utf8(bytes)) return append_json(bytes, out);
  out += "{\"b64\":\"";
  append_base64(bytes, Base64::padded, out);
  out += "\"}";
}

/// What an envelope may hold; the order is that of `kNames`.
enum class Name : std::uint8_t {
  topic,
  partition,
  offset,
  ts,
  ts_type,
  epoch,
  key,
  key_b64,
  value,
  value_b64,
  headers,
  count
};
constexpr std::string_view kNames[] = {"topic", "partition", "offset", "ts",        "ts_type", "epoch",
                                       "key",   "key_b64",   "value",  "value_b64", "headers"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Name::count));

/// Takes Boost.JSON's events and allows exactly the grammar of an envelope. Where we are is said by `depth_`:
/// 1 the object, 2 the list of headers, 3 one pair, 4 the {"b64":...} of a pair.
class EnvelopeHandler {
 public:
  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;
  static constexpr std::size_t max_object_size = 64;
  static constexpr std::size_t max_array_size = 1 << 20;
  static constexpr std::size_t max_key_size = 64;
  static constexpr std::size_t max_string_size = kEnvelopeBytesMax;

  Envelope read;
  std::string why;  ///< of the first mistake; where a text stood is not known, so it may underline the whole line

  [[nodiscard]] bool has(Name name) const { return (seen_ >> static_cast<unsigned>(name) & 1) != 0; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code& ec) {
    if (depth_ == 0) return ++depth_, true;
    if (depth_ == 3 && part_ < 2) return ++depth_, true;
    return stop(ec, "an object where none belongs");
  }
  bool on_object_end(std::size_t size, error_code& ec) {
    if (depth_ == 4 && size != 1) return stop(ec, "a header part is a text, null or {\"b64\":\"...\"}");
    if (depth_-- == 4) ++part_;
    return true;
  }
  bool on_array_begin(error_code& ec) {
    if (depth_ == 1 && name_ == Name::headers) return ++depth_, true;
    if (depth_ == 2) {
      read.headers.emplace_back();
      part_ = 0;
      return ++depth_, true;
    }
    return stop(ec, "a list where none belongs");
  }
  bool on_array_end(std::size_t, error_code& ec) {
    if (depth_ == 3 && part_ != 2) return stop(ec, "a header is a pair: [\"name\",\"value\"]");
    --depth_;
    return true;
  }

  bool on_key_part(string_view part, std::size_t, error_code&) { return text_.append(part), true; }
  bool on_key(string_view part, std::size_t, error_code& ec) {
    text_.append(part);
    const std::string found = std::exchange(text_, {});
    if (depth_ == 4) return found == "b64" || stop(ec, "a header part is a text, null or {\"b64\":\"...\"}");
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      if (kNames[i] != found) continue;
      name_ = static_cast<Name>(i);
      if (has(name_)) return stop(ec, fmt::format("\"{}\" is there twice", found));
      seen_ |= 1u << i;
      return true;
    }
    return stop(ec, fmt::format("no field \"{}\"", found));
  }

  bool on_string_part(string_view part, std::size_t, error_code&) { return text_.append(part), true; }
  bool on_string(string_view part, std::size_t, error_code& ec) {
    text_.append(part);
    return take(std::exchange(text_, {}), ec);
  }
  bool on_null(error_code& ec) {
    if (depth_ == 1 && (name_ == Name::key || name_ == Name::value)) return true;
    if (depth_ == 3 && part_ == 1) return ++part_, true;
    return stop(ec, "null where none belongs");
  }
  bool on_int64(std::int64_t number, string_view, error_code& ec) {
    if (depth_ != 1) return stop(ec, "a number where none belongs");
    switch (name_) {
      case Name::partition:
        read.where.partition = static_cast<std::int32_t>(number);
        return in_range(number, -1, std::numeric_limits<std::int32_t>::max(), ec);
      case Name::offset:
        read.offset = Offset{number};
        return in_range(number, -1, std::numeric_limits<std::int64_t>::max(), ec);
      case Name::ts:
        read.timestamp = number;
        return in_range(number, -1, std::numeric_limits<std::int64_t>::max(), ec);
      case Name::epoch:
        read.leader_epoch = LeaderEpoch{static_cast<std::int32_t>(number)};
        return in_range(number, -1, std::numeric_limits<std::int32_t>::max(), ec);
      default:
        return stop(ec, fmt::format("\"{}\" is no number", kNames[static_cast<std::size_t>(name_)]));
    }
  }
  bool on_uint64(std::uint64_t, string_view, error_code& ec) { return stop(ec, "a number out of range"); }
  bool on_double(double, string_view, error_code& ec) { return stop(ec, "a number that is not whole"); }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_bool(bool, error_code& ec) { return stop(ec, "true or false where none belongs"); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  bool stop(error_code& ec, std::string text) {
    if (why.empty()) why = std::move(text);
    ec = boost::json::error::syntax;
    return false;
  }
  bool in_range(std::int64_t number, std::int64_t min, std::int64_t max, error_code& ec) {
    return (number >= min && number <= max) ||
           stop(ec, fmt::format("\"{}\" must be from {} to {}", kNames[static_cast<std::size_t>(name_)], min, max));
  }
  std::optional<std::string> decoded(const std::string& text, error_code& ec) {
    auto bytes = decode_base64(text, Base64::padded);
    if (bytes) return *std::move(bytes);
    stop(ec, bytes.error().message);
    return std::nullopt;
  }
  void put_header_part(std::string bytes) {
    if (part_ == 0) {
      read.headers.back().name = std::move(bytes);
    } else {
      read.headers.back().value = std::move(bytes);
    }
  }
  bool take(std::string text, error_code& ec) {
    if (depth_ == 3 && part_ < 2) {
      put_header_part(std::move(text));
      return ++part_, true;
    }
    if (depth_ == 4) {
      auto bytes = decoded(text, ec);
      return bytes && (put_header_part(*std::move(bytes)), true);
    }
    if (depth_ != 1) return stop(ec, "a text where none belongs");
    switch (name_) {
      case Name::topic:
        return read.where.topic = std::move(text), true;
      case Name::key:
        return read.key = std::move(text), true;
      case Name::value:
        return read.value = std::move(text), true;
      case Name::key_b64:
        return (read.key = decoded(text, ec)).has_value();
      case Name::value_b64:
        return (read.value = decoded(text, ec)).has_value();
      case Name::ts_type:
        if (text != "create" && text != "append") return stop(ec, "\"ts_type\" is \"create\" or \"append\"");
        read.timestamp_type =
            text == "create" ? record::TimestampType::create_time : record::TimestampType::log_append_time;
        return true;
      default:
        return stop(ec, fmt::format("\"{}\" is no text", kNames[static_cast<std::size_t>(name_)]));
    }
  }

  std::string text_;  ///< of a string or name that comes in parts
  int depth_ = 0;
  int part_ = 0;  ///< of a header's pair: 0 its name, 1 its value, 2 complete
  Name name_ = Name::count;
  std::uint32_t seen_ = 0;
};

}  // namespace

void write_envelope(const StoredRecord& stored, std::string& out) {
  const auto& [where, batch, record] = stored;
  out += "{\"topic\":";
  append_json(where.topic, out);
  fmt::format_to(std::back_inserter(out), ",\"partition\":{},\"offset\":{},\"ts\":{},\"ts_type\":\"{}\"",
                 where.partition, record.offset.value(), record.timestamp, name_of(batch.timestamp_type()));
  append_value("key", record.key, out);
  append_value("value", record.value, out);
  out += ",\"headers\":[";
  std::string_view before;
  for (const record::HeaderView& header : record.headers) {
    out += std::exchange(before, ",");
    out += '[';
    append_header_part(header.key, out);
    out += ',';
    if (header.value) {
      append_header_part(*header.value, out);
    } else {
      out += "null";
    }
    out += ']';
  }
  out += "]}";
}

Parsed<Envelope> read_envelope(std::string_view line) {
  if (line.size() > kEnvelopeBytesMax) return bad_value(0, 0, "longer than {} bytes", kEnvelopeBytesMax);
  boost::json::basic_parser<EnvelopeHandler> parser{boost::json::parse_options{}};
  boost::json::error_code ec;
  const std::size_t used = parser.write_some(false, line.data(), line.size(), ec);
  EnvelopeHandler& handler = parser.handler();
  if (ec) return bad_value(used, 1, "{}", handler.why.empty() ? "not a JSON object: " + ec.message() : handler.why);
  if (used != line.size()) return bad_value(used, line.size() - used, "more text after the object");
  const auto both = [&](Name a, Name b) { return handler.has(a) && handler.has(b); };
  if (both(Name::key, Name::key_b64)) return bad_value(0, line.size(), "both \"key\" and \"key_b64\"");
  if (both(Name::value, Name::value_b64)) return bad_value(0, line.size(), "both \"value\" and \"value_b64\"");
  if (!handler.has(Name::value) && !handler.has(Name::value_b64))
    return bad_value(0, line.size(), "no \"value\"; write null for none");
  return std::move(handler.read);
}

}  // namespace mq::cli

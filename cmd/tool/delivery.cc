#include "delivery.h"

namespace mq::tool {

cli::Parsed<client::Acks> parse_acks(std::string_view text) {
  if (text == "all") return client::Acks::all;
  if (text == "1") return client::Acks::leader;
  if (text == "0") return client::Acks::none;
  return cli::bad_value(0, text.size(), "must be all, 1 or 0");
}

cli::Parsed<record::Codec> parse_codec(std::string_view text) {
  if (const auto codec = record::parse_codec(text)) return *codec;
  return cli::bad_value(0, text.size(), "there is no such codec; none, gzip, snappy, lz4 and zstd are");
}

cli::Parsed<bool> switched_off(std::string_view) { return false; }

}  // namespace mq::tool

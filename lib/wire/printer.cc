#include "wire/printer.h"

#include <fmt/format.h>

#include <iterator>

namespace mq::wire {

std::string Printer::line() && {
  constexpr std::string_view kCut = "...";
  if (out_.size() > kPrintBytesMax) {
    out_.resize(kPrintBytesMax - kCut.size());
    out_ += kCut;
  }
  return std::move(out_);
}

void Printer::print_name(const char* name) {
  if (!is_first_) out_ += ',';
  is_first_ = false;
  fmt::format_to(std::back_inserter(out_), "\"{}\":", name);
}

void Printer::print(ErrorCode value) {
  // A number that is not in our table keeps its number.
  const std::string_view name = name_of(value);
  if (name == name_of(ErrorCode::kUnknownServerError) && value != ErrorCode::kUnknownServerError) {
    out_ += std::to_string(static_cast<std::int16_t>(value));
  } else {
    fmt::format_to(std::back_inserter(out_), "\"{}\"", name);
  }
}

void Printer::print(const Uuid& value) { fmt::format_to(std::back_inserter(out_), "\"{}\"", value.to_string()); }

void Printer::print(const std::string& value) {
  out_ += '"';
  for (char c : BytesView(value).substr(0, kTextBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    // Only what a terminal shows as itself: texts in messages come from anybody.
    if (byte < 0x20 || byte >= 0x7f) {
      fmt::format_to(std::back_inserter(out_), "\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
  }
  out_ += value.size() > kTextBytesMax ? "...\"" : "\"";
}

void Printer::print(const Records& value) { value.is_null ? print_null() : print_size(value.size()); }

void Printer::print_size(std::size_t size) { fmt::format_to(std::back_inserter(out_), "<{} bytes>", size); }

void Printer::print_omitted(std::size_t count) { fmt::format_to(std::back_inserter(out_), "<{} more>", count); }

}  // namespace mq::wire

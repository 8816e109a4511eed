#include "wire/decoder.h"

namespace mq::wire {
namespace {
constexpr std::size_t kTagBytesMin = 2;  // a tag and a size
}

void Decoder::open_tags() {
  if (tags_.is_open) return;
  tags_.is_open = true;
  field_ = "tagged fields";
  const std::uint32_t count = uvarint();
  if (failed()) return;
  if (count > in_.remaining() / kTagBytesMin) return fail("more tagged fields than the bytes can hold");
  if (count == 0) return;
  tags_.left = count;
  tags_.next = uvarint();
  tags_.value = take(uvarint());
}

void Decoder::next_tag() {
  if (--tags_.left == 0) return;
  const std::uint32_t before = tags_.next;
  field_ = "tagged fields";
  tags_.next = uvarint();
  tags_.value = take(uvarint());
  if (!failed() && tags_.next <= before) fail("tags are doubled or out of order");
}

Error Decoder::error(std::string_view message) const {
  return {.code = code_, .message = fmt::format("{} v{}, {}: {}", message, version_, field_, problem_)};
}

}  // namespace mq::wire

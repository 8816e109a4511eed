#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace mq::judge {

/// A string of a history, stored once. 0 is the empty string, which means "none".
using Name = std::uint32_t;

/// The strings of a history. The numbers depend on the order in which the strings came, so nothing that people see may
/// be ordered by them.
class Names {
 public:
  Names() { (void)name_of(""); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  Names(Names&&) noexcept = default;
  Names& operator=(Names&&) noexcept = default;

  /// The number of `text`, a new one when it was not met before.
  [[nodiscard]] Name name_of(std::string_view text);
  /// The text of a number that `name_of` returned. Valid as long as this object.
  [[nodiscard]] std::string_view text_of(Name name) const { return texts_[name]; }

 private:
  std::deque<std::string> texts_;  ///< never moves a string, so that the views in `numbers_` stay valid
  boost::unordered_flat_map<std::string_view, Name> numbers_;
};

}  // namespace mq::judge

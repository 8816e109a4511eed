#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace mq {

/// How many slips of a typist are between the texts: a byte too many, one too few, another one, two neighbours in the
/// wrong order. Takes time and memory in proportion to the product of the lengths: the caller bounds them.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that `wrong`, of any length, was probably meant to be, or "" when none is near: the first that begins with
/// it, else the one with the fewest slips, of which a longer text may have more.
[[nodiscard]] std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> names);

}  // namespace mq

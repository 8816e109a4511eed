#pragma once

#include <cstddef>
#include <string_view>

namespace mq {

/// How many slips of a typist are between the texts: a byte too many, one too few, another one, two neighbours in the
/// wrong order. Takes time and memory in proportion to the product of the lengths: the caller bounds them.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mq

#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace mq {

/// CRC-32C (Castagnoli), as in a record batch. `seed` is an earlier result, to go on over several pieces.
[[nodiscard]] std::uint32_t crc32c(BytesView bytes, std::uint32_t seed = 0);

}  // namespace mq

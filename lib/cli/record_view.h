#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace mq::cli {

struct HeaderView {
  BytesView name;
  std::optional<BytesView> value;  ///< none is null, "" is empty
};

enum class TimestampType { create, append };

/// One record as the tools print and read it. The bytes belong to someone else.
struct RecordView {
  std::string_view topic;
  std::int32_t partition = -1;     ///< -1: not said
  std::int64_t offset = -1;        ///< -1: not said
  std::int32_t leader_epoch = -1;  ///< -1: not known
  WallMillis timestamp = -1;       ///< -1: none
  TimestampType timestamp_type = TimestampType::create;
  std::optional<BytesView> key;
  std::optional<BytesView> value;
  std::vector<HeaderView> headers;  ///< in order, names may repeat
};

}  // namespace mq::cli

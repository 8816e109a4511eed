#pragma once

#include <cstdint>
#include <string_view>

#include "model/ids.h"

namespace mq::record {
enum class TimestampType : std::int8_t;
struct BatchHeader;
struct RecordView;
}  // namespace mq::record

namespace mq::cli {

/// A record and where it lies, as the tools print it.
struct StoredRecord {
  const TopicPartition& where;       ///< no topic, and partition -1: not known
  const record::BatchHeader& batch;  ///< of its batch
  const record::RecordView& record;
};

/// `create` or `append`.
[[nodiscard]] std::string_view name_of(record::TimestampType type);

}  // namespace mq::cli

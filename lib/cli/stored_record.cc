#include "cli/stored_record.h"

#include "record/batch.h"

namespace mq::cli {

std::string_view name_of(record::TimestampType type) {
  return type == record::TimestampType::create_time ? "create" : "append";
}

}  // namespace mq::cli

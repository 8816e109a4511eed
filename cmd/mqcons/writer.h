#pragma once

#include <string>
#include <string_view>

#include "cli/stored_record.h"
#include "options.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::mqcons {

/// Makes of records the bytes that the user asked for.
class Writer {
 public:
  explicit Writer(const Options& options) : options_(options) {}
  /// Appends the record, its delimiter included, to `out`.
  void write(const TopicPartition& where, const record::BatchHeader& batch, const record::RecordView& record,
             std::string& out);

 private:
  void write_plain(const cli::StoredRecord& stored, std::string& out) const;
  const Options& options_;
  std::string line_;
};

}  // namespace mq::mqcons

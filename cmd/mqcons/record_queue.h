#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/result.h"
#include "client/consumer.h"
#include "record/record.h"

namespace mq::mqcons {

/// The records of one partition that were fetched and not yet taken, one at a time.
class RecordQueue {
 public:
  void push(client::FetchedBatch batch);
  /// The next record; null when more has to be fetched first. Valid until the next call of `pop`. Errors as
  /// record::RecordReader.
  Result<const record::RecordView*> front();
  void pop() { has_record_ = false; }
  /// Of the batch that `front` belongs to.
  [[nodiscard]] const client::FetchedBatch& batch() const { return *open_; }
  /// What is held, as it came.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::deque<client::FetchedBatch> waiting_;
  std::optional<client::FetchedBatch> open_;
  record::RecordReader reader_;
  record::RecordView record_;
  bool has_record_ = false;
  std::size_t bytes_ = 0;
};

}  // namespace mq::mqcons

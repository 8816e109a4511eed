#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "client/consumer.h"
#include "judge/history_writer.h"
#include "record/record.h"

namespace mq::sim {

/// What one poll gave, in the form that a history has. Views what it was made of.
class PollRecord {
 public:
  /// `asked`: the partitions that were polled, whether they gave something or not.
  PollRecord(const client::Polled& polled, const std::vector<TopicPartition>& asked);
  PollRecord(const PollRecord&) = delete;
  PollRecord& operator=(const PollRecord&) = delete;

  [[nodiscard]] const std::vector<judge::PolledPartition>& partitions() const { return partitions_; }

 private:
  struct Part {
    std::vector<judge::PolledRecord> records;
  };
  void add(const client::FetchedBatch& batch);
  void add(Part& part, const record::RecordView& record);

  record::RecordReader reader_;
  std::map<TopicPartition, Part> parts_;
  std::deque<TopicPartition> named_;  ///< by the bodies of records
  std::deque<std::string> keys_;
  std::vector<judge::PolledPartition> partitions_;
};

}  // namespace mq::sim

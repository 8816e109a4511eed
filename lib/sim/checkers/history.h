#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace mq::sim {

/// What the clients of one life did, were told and saw, each kind in the order in which it happened. Clients write it,
/// judges (beside this file) read it.
struct History {
  /// A producer was told where a record is.
  struct Acknowledgement {
    std::string value;
    TopicPartition where;
    std::int64_t offset = -1;
  };
  /// A reader saw a record.
  struct Sighting {
    TopicPartition where;
    std::int64_t offset = -1;
    std::string value;
  };
  /// What a group has committed: asked for, acknowledged or looked up.
  struct Commit {
    enum class Kind { asked, acknowledged, found } kind = Kind::asked;
    std::string group;
    TopicPartition where;
    std::int64_t offset = -1;
  };
  /// A member of a group was given a partition.
  struct Assignment {
    std::string group;
    std::int32_t generation = -1;
    TopicPartition where;
    std::string member;
  };

  std::vector<Acknowledgement> acknowledged;
  std::map<std::string, std::vector<Sighting>> seen;  ///< by reader; the members of a group are one
  std::vector<Commit> commits;
  std::vector<Assignment> assignments;
  std::map<std::string, std::int32_t> topics;  ///< that an answer said are there, with their numbers of partitions
  std::set<std::string> deleted_topics;        ///< as an answer said
  std::vector<std::string> complaints;         ///< errors that no client may meet, as it met them
};

/// The value of the record that `producer` sends as its `number`th. No two are the same.
[[nodiscard]] std::string record_value(std::string_view producer, std::int64_t number);
/// Who sent a record, and as which; the number is -1 when nobody did.
struct RecordName {
  std::string producer;
  std::int64_t number = -1;
};
[[nodiscard]] RecordName name_of(std::string_view value);

/// What was broken of a promise, a sentence each. Empty: it was kept.
using Verdict = std::vector<std::string>;

}  // namespace mq::sim

#pragma once

#include <functional>
#include <set>
#include <string>

#include "model/ids.h"
#include "statelog/effects.h"

namespace mq::group {

/// Which offsets go with topics that were deleted.
class DeletedTopics {
 public:
  explicit DeletedTopics(const statelog::ImageChange& change) {
    for (const auto& topic : change.topics_deleted) {
      if (!topic.id.is_zero()) ids_.insert(topic.id);
      if (!topic.name.empty()) names_.insert(topic.name);
    }
  }

  [[nodiscard]] bool empty() const { return ids_.empty() && names_.empty(); }
  /// Whether what was committed for `partition` of the topic `id` goes. Where it is not known whether that is the old
  /// topic or a new one of the same name (zero), it goes as well.
  [[nodiscard]] bool have(const TopicPartition& partition, const Uuid& id) const {
    return id.is_zero() ? names_.contains(partition.topic) : ids_.contains(id);
  }

 private:
  std::set<Uuid> ids_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace mq::group

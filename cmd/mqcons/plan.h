#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "client/cluster.h"
#include "env/async.h"
#include "model/ids.h"
#include "options.h"

namespace mq::mqcons {

/// Offsets [from, end) of one partition; without an end reading goes on for ever.
struct Span {
  Offset from;
  std::optional<Offset> end;
};

/// What to read of one partition.
struct Part {
  TopicPartition where;
  Offset begin;              ///< of the log, as it was when the plan was made
  Offset log_end;            ///< the same
  std::vector<Span> spans;   ///< in order, none touches the next; only the last may have no end
  std::size_t fetching = 0;  ///< the span that is fetched now
  /// A time that has not come yet, where reading ends too.
  std::optional<WallMillis> until;

  [[nodiscard]] bool is_over() const { return fetching == spans.size(); }
  [[nodiscard]] bool wants(Offset offset) const;
};

struct Plan {
  std::vector<Part> parts;
  std::string remark;  ///< a range ends before it begins, so that nothing of it is read; empty: none did
};

/// Looks the offsets up that the options mean. Partitions of which nothing is wanted are left out, but not when
/// following. not_found: no such topic or partition.
awaitable<Result<Plan>> plan(client::Cluster& cluster, const Options& options, Duration timeout);

}  // namespace mq::mqcons

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/strong.h"
#include "base/time.h"
#include "model/ids.h"

namespace mq::statelog {

/// Names a request whose answer may come later. Chosen by the host, never twice.
using RequestToken = Strong<std::uint64_t, struct RequestTokenTag>;
/// Names an append that a machine asked for. Grows by one with each.
using AppendToken = Strong<std::uint64_t, struct AppendTokenTag>;

/// When something happens, on both clocks: timeouts are measured on the first, what is written into records and how
/// long it is kept on the second.
struct Time {
  Instant now;
  WallMillis wall = 0;
};

/// One record for the log; a value of nothing is a tombstone.
struct Record {
  std::string key;
  std::optional<std::string> value;
};

/// What a machine says of a record that it is given back at a load.
enum class Replayed : std::uint8_t {
  kTaken,
  kForeign,    ///< of a kind that it does not have: skipped, and worth a line in the log
  kUnreadable  ///< of a kind that it has: what it says is unknown, so never serve (G-1)
};

/// Records to append as one batch. `Machine::on_appended` must be called once for it.
struct Append {
  AppendToken token;
  std::vector<Record> records;
};

/// The answer to a request.
template <class Response>
struct Answer {
  RequestToken to;
  Response response;
};

/// What a machine wants done. Appends are carried out in their order, also over several events; answers are sent at
/// once. What an answer depends on is committed already when it is here. Timers are no effect: the host looks at
/// `Machine::next_deadline` after every event.
template <class Response>
struct Effects {
  std::vector<Append> appends;
  std::vector<Answer<Response>> answers;
};

/// What became of the cluster's metadata. Told before any shard of the broker knows it: requests that were checked
/// against what was before may still come.
struct ImageChange {
  /// There may be a new topic of the same name soon, or by now.
  struct DeletedTopic {
    Uuid id;           ///< zero: whatever is kept under the name without an id
    std::string name;  ///< empty: only what is kept under the id
    friend bool operator==(const DeletedTopic&, const DeletedTopic&) = default;
  };
  std::vector<DeletedTopic> topics_deleted;
};

}  // namespace mq::statelog

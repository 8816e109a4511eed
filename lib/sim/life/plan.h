#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/flush_class.h"
#include "record/codec.h"
#include "sim/cluster/cluster.h"

namespace mq::sim {

/// The kinds of trouble that a life may meet; RELIABILITY's catalogue in what one machine can do.
enum class Fault : std::uint8_t {
  stop,            ///< a clean stop and a start
  kill,            ///< kill -9
  power,           ///< the power goes, in every way that PowerLoss has
  failed_sync,     ///< fsync answers EIO, in every way that SyncFailure has
  failed_io,       ///< EIO of any other call
  full_disk,       ///< ENOSPC for a while
  no_descriptors,  ///< EMFILE for a while
  slow_disk,       ///< syncs take up to seconds for a while
  rot,             ///< bits flip on the media, in files that can be made anew from others
  lost_media,      ///< bits flip in a log, or a write lands elsewhere: the only copy of records is gone
  cut,             ///< nothing passes between two machines for a while, one way or both
  reset,           ///< connections are reset
  slow_network,    ///< delays up to a second for a while
  clock,           ///< the wall clock jumps
  gone_client,     ///< a client's machine dies: its process is gone or its connections stay half-open
  store,           ///< the metadata store answers late, not at all, or with what was true before
};
inline constexpr int kFaults = static_cast<int>(Fault::store) + 1;
[[nodiscard]] const char* to_string(Fault fault);
/// invalid_argument: no such word; the message lists them.
[[nodiscard]] Result<Fault> parse_fault(std::string_view word);

/// A fault to come. What it does in detail is drawn from its own seed, so that taking one out leaves the others as they
/// were.
struct PlannedFault {
  Duration at{0};  ///< from the begin of the faults
  Fault what = Fault::kill;
  std::uint64_t seed = 0;
};

struct PlannedTopic {
  std::string name;
  std::int32_t partitions = 1;
  bool is_compacted = false;
  bool comes_and_goes = false;  ///< deleted and made again while clients use it
  std::vector<std::pair<std::string, std::string>> configs;
};

/// How a client behaves.
enum class Habit : std::uint8_t {
  own,         ///< our client library
  librdkafka,  ///< waits for what is in flight before it raises its epoch
  java,        ///< raises its epoch at once and numbers anew what is in flight
};

struct PlannedClient {
  enum class Role : std::uint8_t { producer, reader, member, admin };
  Role role = Role::producer;
  Habit habit = Habit::own;
  std::vector<std::string> topics;
  std::string group;
  bool is_static = false;  ///< of a member: comes back to its partitions
  std::int16_t acks = -1;
  bool is_idempotent = true;
  int inflight_max = 5;
  std::int64_t burst = 5;  ///< records in a row, then a pause
  Duration pause_max{0};
  record::Codec codec = record::Codec::none;  ///< of our own habit, as the next ones
  std::size_t batch_bytes = 600;
  std::size_t buffer_bytes = std::size_t{1} << 20;
  std::uint64_t large_one_in = 0;                     ///< one record in so many is large; 0: none
  std::size_t prefetch_bytes = std::size_t{1} << 20;  ///< of a reader
  Duration gives_up_after{0};                         ///< a batch that is not acknowledged; 0: never
};

/// A whole life, drawn from one seed: what runs, how it is set, and what happens to it.
struct Plan {
  std::uint64_t seed = 0;
  int brokers = 1;
  Store store = Store::sqlite;
  int shards = 2;
  int pool_threads = 2;
  FlushClass flush = FlushClass::ack;
  bool has_retention = false;
  bool has_buggify = false;
  bool has_drains = false;      ///< brokers are drained now and then
  bool is_cooperative = false;  ///< groups keep partitions through a rebalance
  Duration rebalance_max{12s};  ///< of members
  std::set<Fault> faults;       ///< that this life may meet
  std::vector<PlannedTopic> topics;
  std::vector<PlannedClient> clients;
  std::vector<PlannedFault> events;
  Duration warm_up{0};
  Duration troubled{0};
  Duration liveness{0};
};

/// What is taken out of a plan, to see whether it fails without.
struct Cuts {
  std::set<Fault> without_faults;
  std::set<std::size_t> without_events;
  std::set<std::size_t> without_clients;
  friend bool operator==(const Cuts&, const Cuts&) = default;
};

[[nodiscard]] Plan draw_plan(std::uint64_t seed, int brokers);
[[nodiscard]] Plan cut(Plan plan, const Cuts& cuts);
/// Several lines for people.
[[nodiscard]] std::string to_string(const Plan& plan);

}  // namespace mq::sim

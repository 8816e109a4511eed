// Fetch (key 1): who may, what is asked for, and how the answer is put together. FetchOp reads and waits. Records leave
// as file ranges, without passing through this process's memory.

#include "wire/messages/fetch.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "broker/api/api.h"
#include "broker/api/between_brokers.h"
#include "broker/api/fetch_op.h"
#include "broker/api/fetch_session.h"
#include "broker/errors.h"
#include "broker/on_owners.h"
#include "broker/partition_reader.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

// All copies of one answer together: thousands of small partitions go out by sendfile rather than through the memory.
constexpr std::size_t kCopiedBytesMax = 1 << 20;
// Who wants to wait longer gets an empty answer and asks again. A connection with all its requests waiting is not read
// from, so its peer may be gone meanwhile without our noticing.
constexpr Duration kWaitMax = 60s;

std::size_t named_in(const wire::FetchRequest& request) {
  std::size_t named = 0;
  for (const auto& topic : request.topics) named += topic.partitions.size();
  for (const auto& topic : request.forgotten_topics_data) named += topic.partitions.size();
  return named;
}

void answer_error(Call& call, ErrorCode error, std::int32_t session_id) {
  wire::FetchResponse response;
  response.error_code = error;
  response.session_id = session_id;
  call.answer(response);
}

void refuse_size(Call& call) {
  constexpr ApiVersion kErrorAtTopSince = 7;
  if (call.version() >= kErrorAtTopSince) return answer_error(call, ErrorCode::kInvalidRequest, 0);
  call.responder().close("a fetch of more partitions than one request may name");
}

/// The replicas of `partition` in `rack`, when this broker leads it and stands in another.
std::vector<BrokerId> nearby(const Call& call, const cluster::ClusterImage& image, const cluster::Partition& partition,
                             const std::string& rack) {
  const auto rack_of = [&image](BrokerId id) {
    const cluster::Broker* broker = image.find_broker(id);
    return broker == nullptr ? std::nullopt : broker->rack;
  };
  std::vector<BrokerId> found;
  if (partition.leader != call.home().node().id() || rack_of(partition.leader) == rack) return found;
  std::ranges::copy_if(partition.replicas, std::back_inserter(found),
                       [&](BrokerId id) { return rack_of(id) == rack && image.is_alive(id); });
  return found;
}

std::vector<FetchItem> resolve(const Call& call, const cluster::ClusterImage& image, const FetchingReplica& replica,
                               const std::string& rack, std::vector<FetchedPartition> partitions) {
  constexpr ApiVersion kFollowersSince = 11;
  const bool by_id = call.version() >= kFetchTopicIdsSince;
  const TopicResolver topics(call, image);
  std::vector<FetchItem> items;
  items.reserve(partitions.size());
  for (FetchedPartition& wanted : partitions) {
    FetchItem& item = items.emplace_back();
    const FoundTopic found = by_id ? topics.by_id(wanted.topic_id) : topics.by_name(wanted.topic);
    const PartitionPlace place = topics.place(found, wanted.partition);
    item.topic = found.topic;
    item.owner = place.owner;
    item.error = place.error;
    item.replica = replica;
    if (replica.is_there() && place.owner != nullptr &&
        !found.topic->find_partition(wanted.partition)->has_replica(replica.id)) {
      item.owner = nullptr;
      item.error = ErrorCode::kNotLeaderOrFollower;
    }
    item.may_follow = !replica.is_there() && call.version() >= kFollowersSince;
    if (item.may_follow && item.owner != nullptr && !rack.empty())
      item.nearby = nearby(call, image, *found.topic->find_partition(wanted.partition), rack);
    item.wanted = std::move(wanted);
  }
  return items;
}

FetchOp::Limits limits_of(const Call& call, const wire::FetchRequest& request) {
  int bytes_max = std::clamp(request.max_bytes, 0, call.home().node().config().fetch_bytes_max);
  if (MQ_BUGGIFY("broker: a fetch is answered with little")) bytes_max = std::min(bytes_max, 1);
  if (MQ_BUGGIFY("broker: a fetch does not wait"))
    return {.bytes_min = 0, .bytes_max = static_cast<std::size_t>(bytes_max), .deadline = call.request().arrived};
  return {.bytes_min = static_cast<std::size_t>(std::max(request.min_bytes, 0)),
          .bytes_max = static_cast<std::size_t>(bytes_max),
          .deadline = call.request().arrived +
                      std::clamp<Duration>(std::chrono::milliseconds(request.max_wait_ms), 0s, kWaitMax)};
}

// --- The answer -----------------------------------------------------------------------------------------------------

/// How a fetch is answered.
struct Form {
  std::int32_t session_id = 0;
  bool is_incremental = false;  ///< only what is news to the session
  bool is_read_committed = false;
};

using AbortedTransactions = std::vector<wire::FetchResponse::AbortedTransaction>;

/// There are no transactions. As in Kafka that is an empty list for who asked for committed records, and null for who
/// did not or got nothing; a partition that does not exist always has the list.
std::optional<AbortedTransactions> aborted_transactions(const FetchItem& item, bool is_read_committed) {
  const bool exists = item.owner != nullptr;
  const bool was_read = item.error == ErrorCode::kNone && !item.diverges();
  if (exists && !(is_read_committed && was_read)) return std::nullopt;
  return AbortedTransactions{};
}

/// The bytes of its range; when they cannot be read the item gets the error instead.
std::string copy_of(const Call& call, FetchItem& item) {
  std::string copy;
  Result<void> read;
  // The callback is given the capacity, not the size that was asked for.
  copy.resize_and_overwrite(item.range.size, [&](char* to, std::size_t) {
    read = log::read_bytes(item.range, to);
    return read ? item.range.size : 0;
  });
  if (read) return copy;
  item.error = to_wire(read.error());
  item.range = {};
  call.home().node().context().disk_health.read_failed(read.error());
  call.home().peer_log().error("{}-{} cannot be read from the disk: {}", item.topic->name, item.wanted.partition,
                               read.error().message);
  return {};
}

bool is_news(const FetchItem& item) {
  return item.wanted.is_new || item.range.size > 0 || item.error != ErrorCode::kNone || item.diverges() ||
         item.is_sent_elsewhere() || item.has_later_start ||
         item.high_watermark.value() != item.wanted.told_high_watermark ||
         item.log_start.value() != item.wanted.told_log_start;
}

BrokerId leader_of(const cluster::ClusterImage& image, const FetchedPartition& wanted) {
  const cluster::Topic* topic =
      wanted.topic_id.is_zero() ? image.find_topic(std::string_view(wanted.topic)) : image.find_topic(wanted.topic_id);
  const cluster::Partition* partition = topic == nullptr ? nullptr : topic->find_partition(wanted.partition);
  return partition == nullptr ? kNoBroker : partition->leader;
}

/// The row of `item` at the end of `response`, without records.
wire::FetchResponse::PartitionData& add_row(wire::FetchResponse& response, const Call& call, const FetchItem& item,
                                            const Form& form) {
  const FetchedPartition& wanted = item.wanted;
  if (response.responses.empty() || response.responses.back().topic_id != wanted.topic_id ||
      response.responses.back().topic != wanted.topic) {
    auto& topic = response.responses.emplace_back();
    topic.topic_id = wanted.topic_id;
    topic.topic = wanted.topic;
  }
  auto& row = response.responses.back().partitions.emplace_back();
  row.partition_index = wanted.partition;
  row.error_code = item.error;
  row.high_watermark = item.high_watermark.value();
  row.last_stable_offset = item.last_stable.value();
  row.log_start_offset = item.log_start.value();
  row.start_wanted = item.start_wanted.value();
  row.diverging_epoch = item.diverging;
  row.preferred_read_replica = item.preferred.value();
  row.aborted_transactions = aborted_transactions(item, form.is_read_committed);
  if (item.error == ErrorCode::kFencedLeaderEpoch || item.error == ErrorCode::kNotLeaderOrFollower) {
    row.current_leader.leader_id = leader_of(*call.home().image(), wanted).value();
    row.current_leader.leader_epoch = item.leader_epoch.value();
  }
  return row;
}

/// Encodes `response`; the records of `with_file`, in order, go out from their files.
Answer with_files(Call& call, const wire::FetchResponse& response, const std::vector<const FetchItem*>& with_file) {
  std::vector<ErrorCode> errors;
  auto [head, gaps] = wire::encode_response_with_gaps(call.request().header, response, &errors);
  call.count_errors(ApiKey::kFetch, errors);
  Answer answer;
  std::size_t from = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    std::string piece = head.substr(from, gaps[i].position - from);
    from = gaps[i].position;
    (answer.files.empty() ? answer.head : answer.files.back().after) = std::move(piece);
    const log::FileRange& range = with_file[i]->range;
    answer.files.push_back({.file = range.file, .position = range.position, .size = range.size, .after = {}});
  }
  if (answer.files.empty()) {
    answer.head = std::move(head);
  } else {
    answer.files.back().after = head.substr(from);
  }
  return answer;
}

void answer(Call& call, std::vector<FetchItem>& items, const Form& form) {
  FetchSession& session = call.connection().fetch_session();
  wire::FetchResponse response;
  response.session_id = form.session_id;
  std::vector<const FetchItem*> with_file;
  std::vector<std::string> copies;
  copies.reserve(items.size());  // the response keeps views of them
  std::size_t copied = 0;
  for (FetchItem& item : items) {
    std::string copy = std::move(item.copy);
    if (copy.empty() && item.range.size > 0 && PartitionReader::is_small(item.range) &&
        copied + item.range.size <= kCopiedBytesMax) {
      copy = copy_of(call, item);
      copied += copy.size();
    }
    // Who is refused is told nothing else, so that a session tells it all when the error has gone. But a follower has
    // to know where it may go on.
    const bool begins_anew = item.replica.is_there() && item.error == ErrorCode::kOffsetOutOfRange;
    if (item.error != ErrorCode::kNone) item.high_watermark = item.last_stable = Offset{-1};
    if (item.error != ErrorCode::kNone) item.log_start = begins_anew ? item.start_wanted : Offset{-1};
    if (form.is_incremental && !is_news(item)) continue;
    const bool has_records = item.range.size > 0;
    if (form.session_id != 0 && session.id() == form.session_id)
      session.told(item.wanted, item.high_watermark.value(), item.log_start.value(), has_records);
    auto& row = add_row(response, call, item, form);
    if (!has_records) continue;
    call.home().metrics().fetched_bytes.add(item.range.size);
    if (copy.size() == item.range.size) {
      row.records = wire::Records::of(copies.emplace_back(std::move(copy)));
    } else {
      row.records = wire::Records::external(item.range.size);
      with_file.push_back(&item);
    }
  }
  call.responder().send(with_files(call, response, with_file));
}

/// Any positive number that this connection does not use; unguessable only so that bugs show.
std::int32_t new_session_id(const ShardServices& home) {
  return static_cast<std::int32_t>(home.node().context().machine.random.below(0x7fffffff) + 1);
}

/// Only a broker may fetch as a replica (N-20), in its present incarnation: a client must not move the ISR.
ErrorCode check_replica(const Call& call, const FetchingReplica& replica) {
  if (is_mutant("anyreplica")) return ErrorCode::kNone;
  if (const ErrorCode refusal = refusal_between_brokers(call); refusal != ErrorCode::kNone) return refusal;
  const cluster::Broker* broker = call.home().image()->find_broker(replica.id);
  const bool is_known = broker != nullptr && broker->epoch == replica.broker_epoch;
  if (!is_known) MQ_MARK("broker: a fetch of another incarnation of a follower is refused");
  return is_known ? ErrorCode::kNone : ErrorCode::kStaleBrokerEpoch;
}

void fetch(Call call, wire::FetchRequest request) {
  ShardServices& home = call.home();
  FetchingReplica replica;
  if (request.replica_id >= 0) replica.id = BrokerId{request.replica_id};
  if (request.replica_state.replica_id >= 0)
    replica = {.id = BrokerId{request.replica_state.replica_id},
               .broker_epoch = cluster::BrokerEpoch{request.replica_state.replica_epoch}};
  if (replica.is_there())
    if (const ErrorCode error = check_replica(call, replica); error != ErrorCode::kNone)
      return answer_error(call, error, 0);
  if (names_too_many(home, named_in(request))) return refuse_size(call);
  auto asked = call.connection().fetch_session().apply(request, call.version(), new_session_id(home));
  if (asked.error != ErrorCode::kNone) return answer_error(call, asked.error, asked.session_id);
  const Form form{.session_id = asked.session_id,
                  .is_incremental = asked.incremental,
                  .is_read_committed = request.isolation_level == kReadCommitted};
  auto image = home.image();
  auto items = resolve(call, *image, replica, request.rack_id, std::move(asked.partitions));
  const FetchOp::Limits limits = limits_of(call, request);
  const auto connection = call.connection().shared_from_this();
  const auto op = std::make_shared<FetchOp>(std::move(call), std::move(image), std::move(items), limits,
                                            [form](Call& of, std::vector<FetchItem>& read) { answer(of, read, form); });
  if (replica.is_there())
    connection->fetch_session().replica_fetches([waiting = std::weak_ptr(op)] {
      if (const auto alive = waiting.lock()) alive->end();
    });
  op->start();
}

}  // namespace

extern const ApiEntry kFetchApi{.key = ApiKey::kFetch,
                                .start = free_form<wire::FetchRequest, fetch>,
                                .needs = {.topic = AclOperation::read, .cluster = AclOperation::cluster_action}};

}  // namespace mq::broker

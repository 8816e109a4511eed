// Produce (key 0). Starts in arrival order, appends on the thread of each partition's shard, answers when every
// partition has what its acks ask for. What expands to much is checked on the pool first; the connection holds
// meanwhile.

#include "wire/messages/produce.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "broker/api/api.h"
#include "broker/api/produce_old.h"
#include "broker/errors.h"
#include "broker/on_owners.h"
#include "broker/partition.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksNone = 0;
constexpr std::int16_t kAcksLeader = 1;
constexpr ApiVersion kRecordErrorsSince = 8;
constexpr ApiVersion kProduceTopicIdsSince = 13;
// Records at fault that one answer names. A batch can hold a million, and their names are longer than they are.
constexpr std::size_t kRecordErrorsMax = 10'000;

// What one request may decompress on its connection's shard: a tenth of a millisecond with zstd and lz4, one with gzip.
// The rest of it is checked on the pool, so that nobody else of the shard waits for a batch that expands to 100 MB.
constexpr std::size_t kExpandedHereMax = 256 << 10;

/// One partition of a request, from check to answer.
struct ProduceItem {
  wire::ProduceResponse::PartitionProduceResponse* response = nullptr;
  Uuid topic_id;
  std::int32_t partition = 0;
  char* batch = nullptr;
  record::ValidatedBatch validated;
  bool refused = false;  ///< the response says why; its partition is told, and adds where its log starts
};

class ProduceOp;

/// The items of one shard. Lives there from its post to its answer.
struct ShardPart {
  std::shared_ptr<ProduceOp> op;
  ShardServices* owner = nullptr;
  std::vector<ProduceItem> items;
  std::size_t waiting = 0;
};

/// A produce request in progress. Owned by whoever still has to add to its answer.
class ProduceOp : public std::enable_shared_from_this<ProduceOp> {
 public:
  ProduceOp(Call call, wire::ProduceRequest request) : call_(std::move(call)), request_(std::move(request)) {}

  void start();

 private:
  using Wanted = wire::ProduceRequest::PartitionProduceData;
  using PartitionResponse = wire::ProduceResponse::PartitionProduceResponse;
  /// The place in the request of the next partition to be checked.
  struct Cursor {
    std::size_t topic = 0;
    std::size_t partition = 0;
  };

  void prepare_answer();
  bool check_here();
  bool check_topic_here();
  bool check_partition_here(const cluster::Topic& topic, const Wanted& wanted, PartitionResponse& response);
  awaitable<void> check_with_pool(Connection::Hold hold);
  awaitable<void> check_next_on_pool();
  [[nodiscard]] record::ValidationRules rules_of(const cluster::Topic& topic) const;
  void take(Uuid topic_id, const Wanted& wanted, PartitionResponse& response,
            std::expected<record::ValidatedBatch, record::Refusal> validated);
  void name_records(PartitionResponse& response, std::vector<record::RecordFault> faults);
  void refuse(Uuid topic_id, const Wanted& wanted, PartitionResponse& response);
  void give(ProduceItem item);
  void append();
  void append_part(const std::shared_ptr<ShardPart>& part);
  void append_item(const std::shared_ptr<ShardPart>& part, ProduceItem& item);
  void append_now(const std::shared_ptr<ShardPart>& part, ProduceItem& item);
  void item_done(const std::shared_ptr<ShardPart>& part);
  void part_done();
  void answer();
  /// Until when it waits for replicas.
  [[nodiscard]] Instant deadline() const;
  [[nodiscard]] FoundTopic find(const wire::ProduceRequest::TopicProduceData& topic) const;

  Call call_;
  wire::ProduceRequest request_;
  wire::ProduceResponse response_;
  bool too_many_ = false;
  Cursor next_;
  const cluster::Topic* for_pool_ = nullptr;  ///< of the batch at `next_` that is one for the pool; until the next wait
  std::size_t expand_left_ = kExpandedHereMax;
  std::size_t record_errors_left_ = kRecordErrorsMax;
  std::vector<std::shared_ptr<ShardPart>> parts_;
  std::size_t parts_waiting_ = 0;
};

/// What became of a record that is in the log.
std::string why_not_acknowledged(ErrorCode error) {
  if (error == ErrorCode::kRequestTimedOut) return "the record was appended, but too few replicas have it in time";
  if (error == ErrorCode::kNotEnoughReplicasAfterAppend)
    return "the record was appended, but fewer replicas are in sync now than min.insync.replicas asks for";
  return "the record was appended, but its disk or partition is gone";
}

void set_error(wire::ProduceResponse::PartitionProduceResponse& response, ErrorCode code, std::string message) {
  response.error_code = code;
  response.base_offset = -1;
  response.error_message = std::move(message);
}

/// As in Kafka: not where it is not known, nor beside errors that have nothing to do with what the log holds.
bool tells_log_start(ErrorCode code) {
  return code != ErrorCode::kUnknownTopicOrPartition && code != ErrorCode::kNotLeaderOrFollower &&
         code != ErrorCode::kMessageTooLarge && code != ErrorCode::kCorruptMessage &&
         code != ErrorCode::kKafkaStorageError;
}

bool is_compressed(BytesView batch) {
  const auto header = record::parse_header(batch);
  return header && header->compression() != record::Codec::none;
}

void ProduceOp::start() {
  prepare_answer();
  if (check_here()) return append();
  // What comes after this request on its connection must not be appended before it.
  call_.home().tasks().spawn([](std::shared_ptr<ProduceOp> self, Connection::Hold hold) -> awaitable<void> {
    co_await self->check_with_pool(std::move(hold));
  }(shared_from_this(), Connection::Hold(call_.connection().shared_from_this())));
}

void ProduceOp::prepare_answer() {
  std::size_t partitions = 0;
  response_.responses.reserve(request_.topic_data.size());
  for (const auto& topic : request_.topic_data) {
    auto& answer = response_.responses.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    answer.partition_responses.resize(topic.partition_data.size());
    partitions += topic.partition_data.size();
  }
  too_many_ = names_too_many(call_.home(), partitions);
}

FoundTopic ProduceOp::find(const wire::ProduceRequest::TopicProduceData& topic) const {
  const TopicResolver topics(call_, *call_.home().image());
  return call_.version() >= kProduceTopicIdsSince ? topics.by_id(topic.topic_id) : topics.by_name(topic.name);
}

/// Checks from `next_` on; false when the batch there is one for the pool.
bool ProduceOp::check_here() {
  for (; next_.topic < request_.topic_data.size(); next_ = {.topic = next_.topic + 1})
    if (!check_topic_here()) return false;
  return true;
}

bool ProduceOp::check_topic_here() {
  const auto& topic = request_.topic_data[next_.topic];
  const FoundTopic found = find(topic);
  for (; next_.partition < topic.partition_data.size(); ++next_.partition) {
    const Wanted& wanted = topic.partition_data[next_.partition];
    PartitionResponse& response = response_.responses[next_.topic].partition_responses[next_.partition];
    response.index = wanted.index;
    if (too_many_) {
      set_error(response, ErrorCode::kInvalidRequest, "the request names more partitions than one may");
    } else if (request_.acks != kAcksAll && request_.acks != kAcksNone && request_.acks != kAcksLeader) {
      set_error(response, ErrorCode::kInvalidRequiredAcks, "acks must be 0, 1 or -1 (all)");
    } else if (request_.transactional_id) {
      // Fatal for the client: there is no transaction coordinator that a retry could find.
      set_error(response, ErrorCode::kTransactionalIdAuthorizationFailed, "this broker has no transactions");
    } else if (found.error != ErrorCode::kNone) {
      set_error(response, found.error,
                found.error == ErrorCode::kTopicAuthorizationFailed ? "not allowed" : "there is no such topic");
    } else if (is_internal_topic(found.topic->name)) {
      set_error(response, ErrorCode::kInvalidTopicException, "clients may not write to an internal topic");
    } else if (!check_partition_here(*found.topic, wanted, response)) {
      for_pool_ = found.topic;
      return false;
    }
  }
  return true;
}

/// False when its batch is one for the pool.
bool ProduceOp::check_partition_here(const cluster::Topic& topic, const Wanted& wanted, PartitionResponse& response) {
  ShardServices& home = call_.home();
  const cluster::Partition* partition = topic.find_partition(wanted.index);
  const BytesView batch = wanted.records.bytes;
  if (partition == nullptr) {
    set_error(response, ErrorCode::kUnknownTopicOrPartition, "the topic has no such partition");
    return true;
  }
  if (batch.empty()) {
    set_error(response, ErrorCode::kInvalidRecord, "a produce request needs one record batch per partition");
    refuse(topic.id, wanted, response);
    return true;
  }
  record::ValidationRules rules = rules_of(topic);
  const bool may_expand_more = rules.decompress.bytes_max > expand_left_ && batch.size() <= rules.batch_bytes_max;
  // What is larger than that when compressed need not be tried.
  if (may_expand_more && batch.size() > expand_left_ && is_compressed(batch)) return false;
  rules.decompress.bytes_max = std::min(rules.decompress.bytes_max, expand_left_);
  auto validated = record::validate(batch, rules, home.codecs());
  if (!validated && validated.error().code == Errc::too_large && may_expand_more) return false;
  if (validated && validated->header.compression() != record::Codec::none)
    expand_left_ -= std::min<std::size_t>(expand_left_, validated->raw_bytes);
  take(topic.id, wanted, response, std::move(validated));
  return true;
}

awaitable<void> ProduceOp::check_with_pool(Connection::Hold hold) {
  while (!check_here()) {
    co_await check_next_on_pool();
    // Nobody waits for the answer any more, and nothing was appended yet.
    if (call_.connection().is_closing()) co_return;
  }
  append();
}

/// One batch for each job, so that a sync gets in between two.
awaitable<void> ProduceOp::check_next_on_pool() {
  ShardServices& home = call_.home();
  const auto& topic = request_.topic_data[next_.topic];
  const Wanted& wanted = topic.partition_data[next_.partition];
  const Uuid topic_id = for_pool_->id;
  auto validated = co_await home.node().context().disk_pool().run(
      home.shard(), [batch = wanted.records.bytes, rules = rules_of(*for_pool_)] {
        record::Codecs codecs;
        return record::validate(batch, rules, codecs);
      });
  take(topic_id, wanted, response_.responses[next_.topic].partition_responses[next_.partition], std::move(validated));
  ++next_.partition;
}

record::ValidationRules ProduceOp::rules_of(const cluster::Topic& topic) const {
  record::ValidationRules rules = call_.home().cluster().validation_rules(topic);
  rules.faults_named_max = call_.version() >= kRecordErrorsSince ? record_errors_left_ : 0;
  return rules;
}

void ProduceOp::take(Uuid topic_id, const Wanted& wanted, PartitionResponse& response,
                     std::expected<record::ValidatedBatch, record::Refusal> validated) {
  if (!validated) {
    set_error(response, to_wire(validated.error()), validated.error().message);
    name_records(response, std::move(validated.error().records));
    return refuse(topic_id, wanted, response);
  }
  // The frame is this request's own memory, and nobody else reads it: offsets are written where the batch lies.
  give({.response = &response,
        .topic_id = topic_id,
        .partition = wanted.index,
        .batch = const_cast<char*>(wanted.records.bytes.data()),
        .validated = std::move(*validated)});
}

void ProduceOp::name_records(PartitionResponse& response, std::vector<record::RecordFault> faults) {
  record_errors_left_ -= faults.size();
  response.record_errors.reserve(faults.size());
  for (record::RecordFault& fault : faults)
    response.record_errors.push_back(
        {.batch_index = fault.index, .batch_index_error_message = std::move(fault.message)});
}

/// `response` says why. The partition is told, and tells where its log starts.
void ProduceOp::refuse(Uuid topic_id, const Wanted& wanted, PartitionResponse& response) {
  ProduceItem item{.response = &response, .topic_id = topic_id, .partition = wanted.index, .refused = true};
  MQ_MARK("broker: a batch is refused");
  const auto header = record::parse_header(wanted.records.bytes);
  if (header)
    item.validated.header = *header;
  else
    item.validated.header.producer_id = kNoProducerId;
  give(std::move(item));
}

/// To the part of its partition's shard. Not `on_owners`, whose coroutines begin later: a batch has to be on its way to
/// its partition when this returns, so that requests append in the order in which they came.
void ProduceOp::give(ProduceItem item) {
  ShardServices& owner = call_.home().node().owner_of(item.topic_id, item.partition);
  std::shared_ptr<ShardPart> part;
  for (const auto& known : parts_)
    if (known->owner == &owner) part = known;
  if (!part) {
    part = parts_.emplace_back(std::make_shared<ShardPart>());
    part->owner = &owner;
  }
  part->items.push_back(std::move(item));
}

void ProduceOp::append() {
  ShardServices& home = call_.home();
  // Counted up before the first part runs: it may finish at once.
  parts_waiting_ = parts_.size();
  if (parts_.empty()) return answer();
  if (parts_.size() == 1) call_.connection().touched(parts_.front()->owner->connections());
  for (const auto& part : std::exchange(parts_, {})) {
    part->op = shared_from_this();
    if (part->owner == &home) {
      append_part(part);
    } else {
      part->owner->shard().post([self = shared_from_this(), part] { self->append_part(part); });
    }
  }
}

void ProduceOp::append_part(const std::shared_ptr<ShardPart>& part) {
  // One more than the items, so that the part is not done before the last item was started.
  part->waiting = part->items.size() + 1;
  for (ProduceItem& item : part->items) append_item(part, item);
  item_done(part);
}

/// Those before it in its partition come first.
void ProduceOp::append_item(const std::shared_ptr<ShardPart>& part, ProduceItem& item) {
  Partition* partition = part->owner->find(item.topic_id, item.partition);
  if (partition == nullptr) return append_now(part, item);
  partition->when_warm([self = shared_from_this(), part, &item] { self->append_now(part, item); });
}

Instant ProduceOp::deadline() const {
  return call_.request().arrived + std::chrono::milliseconds(std::max(request_.timeout_ms, 0));
}

void ProduceOp::append_now(const std::shared_ptr<ShardPart>& part, ProduceItem& item) {
  Partition* partition = part->owner->find(item.topic_id, item.partition);
  if (partition == nullptr) {
    MQ_MARK("broker: a batch is for a partition that is gone or was never there");
    if (!item.refused) set_error(*item.response, ErrorCode::kNotLeaderOrFollower, "the partition is not here any more");
    return item_done(part);
  }
  const auto refused = [&] {
    if (tells_log_start(item.response->error_code))
      item.response->log_start_offset = partition->log().log_start().value();
    item_done(part);
  };
  if (item.refused) {
    partition->refuse(item.validated.header);
    return refused();
  }
  if (const ErrorCode error = partition->check_append(request_.acks == kAcksAll); error != ErrorCode::kNone) {
    set_error(*item.response, error,
              error == ErrorCode::kNotEnoughReplicas ? "fewer replicas are in sync than min.insync.replicas asks for"
                                                     : "this broker does not lead the partition");
    partition->refuse(item.validated.header);
    return refused();
  }
  auto appended = partition->append(item.batch, item.validated);
  if (!appended) {
    MQ_MARK("broker: an append is refused by the log");
    set_error(*item.response, to_wire(appended.error()), appended.error().message);
    return refused();
  }
  item.response->base_offset = appended->base_offset.value();
  item.response->log_append_time_ms = appended->log_append_time;
  item.response->log_start_offset = partition->log().log_start().value();
  if (request_.acks == kAcksNone) return item_done(part);
  auto done = [this, part, response = item.response](ErrorCode error) {
    if (error != ErrorCode::kNone) MQ_MARK("broker: a batch was appended and is not acknowledged");
    if (error != ErrorCode::kNone) set_error(*response, error, why_not_acknowledged(error));
    item_done(part);
  };
  if (appended->needs_flush) MQ_MARK("broker: a producer waits for the sync of many records");
  if (appended->needs_flush && request_.acks == kAcksAll) {
    ++part->waiting;  // that it is on this disk says nothing of the others
    partition->when_committed(appended->end, done, deadline());
  }
  if (appended->needs_flush) return partition->when_flushed(appended->end, std::move(done));
  if (request_.acks == kAcksAll) return partition->when_committed(appended->end, std::move(done), deadline());
  partition->when_written(appended->end, std::move(done));
}

void ProduceOp::item_done(const std::shared_ptr<ShardPart>& part) {
  if (--part->waiting > 0) return;
  if (part->owner == &call_.home()) return part_done();
  call_.home().shard().post([part] { part->op->part_done(); });
}

void ProduceOp::part_done() {
  if (--parts_waiting_ == 0) answer();
}

void ProduceOp::answer() {
  if (request_.acks != kAcksNone) return call_.answer(response_);
  for (const auto& topic : response_.responses)
    for (const auto& partition : topic.partition_responses)
      if (partition.error_code != ErrorCode::kNone) {
        MQ_MARK("broker: an append that nobody waits for fails");
        // An acks=0 producer has no other way to learn that its records were refused.
        return call_.responder().close(fmt::format("an acks=0 request failed: {}-{}: {}", topic.name, partition.index,
                                                   partition.error_message.value_or("")));
      }
  call_.responder().send_nothing();
}

void start_produce(Call call) {
  if (!wire::ProduceRequest::kVersions.contains(call.version())) return produce_old(std::move(call));
  // Records are views of the frame, so it stays.
  if (auto request = decode_body<wire::ProduceRequest>(call))
    std::make_shared<ProduceOp>(std::move(call), std::move(*request))->start();
}

}  // namespace

extern const ApiEntry kProduceApi{.key = ApiKey::kProduce,
                                  .start = start_produce,
                                  .needs = {.topic = AclOperation::write, .transactional_id = AclOperation::write}};

}  // namespace mq::broker

// Produce (key 0). Starts in arrival order, appends on the thread of each partition's shard, answers when every
// partition has what its acks ask for.

#include "wire/messages/produce.h"

#include <memory>
#include <utility>
#include <vector>

#include "broker/api/handlers.h"
#include "broker/errors.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"

namespace mq::broker {
namespace {

constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksNone = 0;
constexpr std::int16_t kAcksLeader = 1;
constexpr ApiVersion kTopicIdsSince = 13;

/// One partition of a request, from check to answer.
struct Item {
  wire::ProduceResponse::PartitionProduceResponse* response = nullptr;
  Uuid topic_id;
  std::int32_t partition = 0;
  char* batch = nullptr;
  record::ValidatedBatch validated;
  bool refused = false;  ///< the response says why; its partition is only told
};

class ProduceOp;

/// The items of one shard. Lives there from its post to its answer.
struct ShardPart {
  std::shared_ptr<ProduceOp> op;
  ShardBroker* owner = nullptr;
  std::vector<Item> items;
  std::size_t waiting = 0;
};

/// A produce request in progress. Owned by whoever still has to add to its answer.
class ProduceOp : public std::enable_shared_from_this<ProduceOp> {
 public:
  ProduceOp(Call call, std::int16_t acks) : call_(std::move(call)), acks_(acks) {}

  void start(const wire::ProduceRequest& request);

 private:
  void check(const wire::ProduceRequest& request);
  void check_partition(const cluster::Topic& topic, const wire::ProduceRequest::PartitionProduceData& wanted,
                       wire::ProduceResponse::PartitionProduceResponse& response);
  void append_part(const std::shared_ptr<ShardPart>& part);
  void append_item(const std::shared_ptr<ShardPart>& part, Item& item);
  void item_done(const std::shared_ptr<ShardPart>& part);
  void part_done();
  void answer();

  Call call_;
  std::int16_t acks_;
  wire::ProduceResponse response_;
  std::vector<std::shared_ptr<ShardPart>> parts_;
  std::size_t parts_waiting_ = 0;
};

void set_error(wire::ProduceResponse::PartitionProduceResponse& response, ErrorCode code, std::string message) {
  response.error_code = code;
  response.base_offset = -1;
  response.error_message = std::move(message);
}

void ProduceOp::start(const wire::ProduceRequest& request) {
  check(request);
  ShardBroker& home = call_.broker();
  // Counted up before the first part runs: it may finish at once.
  parts_waiting_ = parts_.size();
  if (parts_.empty()) return answer();
  if (parts_.size() == 1) call_.connection().touched(*parts_.front()->owner);
  for (const auto& part : std::exchange(parts_, {})) {
    if (part->owner == &home) {
      append_part(part);
    } else {
      part->owner->shard().post([self = shared_from_this(), part] { self->append_part(part); });
    }
  }
}

void ProduceOp::check(const wire::ProduceRequest& request) {
  ShardBroker& home = call_.broker();
  response_.responses.reserve(request.topic_data.size());
  for (const auto& topic : request.topic_data) {
    auto& answer = response_.responses.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    const bool by_id = call_.version() >= kTopicIdsSince;
    const cluster::Topic* known =
        by_id ? home.image()->find_topic(topic.topic_id) : home.image()->find_topic(std::string_view(topic.name));
    answer.partition_responses.reserve(topic.partition_data.size());
    for (const auto& partition : topic.partition_data) {
      auto& response = answer.partition_responses.emplace_back();
      response.index = partition.index;
      if (request.acks != kAcksAll && request.acks != kAcksNone && request.acks != kAcksLeader) {
        set_error(response, ErrorCode::kInvalidRequiredAcks, "acks must be 0, 1 or -1 (all)");
      } else if (request.transactional_id) {
        // Fatal for the client: there is no transaction coordinator that a retry could find.
        set_error(response, ErrorCode::kTransactionalIdAuthorizationFailed, "this broker has no transactions");
      } else if (known == nullptr) {
        set_error(response, by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition,
                  "there is no such topic");
      } else if (is_internal_topic(known->name)) {
        set_error(response, ErrorCode::kInvalidTopicException, "clients may not write to an internal topic");
      } else {
        check_partition(*known, partition, response);
      }
    }
  }
}

void ProduceOp::check_partition(const cluster::Topic& topic, const wire::ProduceRequest::PartitionProduceData& wanted,
                                wire::ProduceResponse::PartitionProduceResponse& response) {
  ShardBroker& home = call_.broker();
  if (wanted.index < 0 || wanted.index >= topic.partition_count())
    return set_error(response, ErrorCode::kUnknownTopicOrPartition, "the topic has no such partition");
  const BytesView batch = wanted.records.bytes;
  if (batch.empty())
    return set_error(response, ErrorCode::kInvalidRecord, "a produce request needs one record batch per partition");
  auto validated = record::validate(batch, home.validation_rules(topic), home.codecs());
  Item item{.response = &response, .topic_id = topic.id, .partition = wanted.index};
  if (validated) {
    // The frame is this request's own memory, and nobody else reads it: offsets are written where the batch lies.
    item.batch = const_cast<char*>(batch.data());
    item.validated = std::move(*validated);
  } else {
    set_error(response, to_wire(validated.error()), validated.error().message);
    const auto header = record::parse_header(batch);
    if (!header || !header->has_producer_id()) return;
    item.validated.header = *header;
    item.refused = true;
  }

  ShardBroker& owner = home.node().owner_of(topic.id, wanted.index);
  std::shared_ptr<ShardPart> part;
  for (const auto& known : parts_)
    if (known->owner == &owner) part = known;
  if (!part) {
    part = parts_.emplace_back(std::make_shared<ShardPart>());
    part->op = shared_from_this();
    part->owner = &owner;
  }
  part->items.push_back(std::move(item));
}

void ProduceOp::append_part(const std::shared_ptr<ShardPart>& part) {
  // One more than the items, so that the part is not done before the last item was started.
  part->waiting = part->items.size() + 1;
  for (Item& item : part->items) append_item(part, item);
  item_done(part);
}

void ProduceOp::append_item(const std::shared_ptr<ShardPart>& part, Item& item) {
  Partition* partition = part->owner->find(item.topic_id, item.partition);
  if (partition == nullptr) {
    if (!item.refused) set_error(*item.response, ErrorCode::kNotLeaderOrFollower, "the partition is not here any more");
    return item_done(part);
  }
  if (item.refused) {
    partition->refuse(item.validated.header);
    return item_done(part);
  }
  auto appended = partition->append(item.batch, item.validated);
  if (!appended) {
    set_error(*item.response, to_wire(appended.error()), appended.error().message);
    return item_done(part);
  }
  item.response->base_offset = appended->base_offset.value();
  item.response->log_append_time_ms = appended->log_append_time;
  item.response->log_start_offset = partition->log().log_start().value();
  if (acks_ != kAcksAll) return item_done(part);
  partition->when_committed(appended->end, [this, part, response = item.response](ErrorCode error) {
    if (error != ErrorCode::kNone)
      set_error(*response, error, "the record was appended, but its disk or partition is gone");
    item_done(part);
  });
}

void ProduceOp::item_done(const std::shared_ptr<ShardPart>& part) {
  if (--part->waiting > 0) return;
  if (part->owner == &call_.broker()) return part_done();
  call_.broker().shard().post([part] { part->op->part_done(); });
}

void ProduceOp::part_done() {
  if (--parts_waiting_ == 0) answer();
}

void ProduceOp::answer() {
  if (acks_ != kAcksNone) return call_.answer(response_);
  for (const auto& topic : response_.responses)
    for (const auto& partition : topic.partition_responses)
      if (partition.error_code != ErrorCode::kNone)
        // An acks=0 producer has no other way to learn that its records were refused.
        return call_.responder().close(fmt::format("an acks=0 request failed: {}-{}: {}", topic.name, partition.index,
                                                   partition.error_message.value_or("")));
  call_.responder().send_nothing();
}

}  // namespace

void produce(Call call, const wire::ProduceRequest& request) {
  std::make_shared<ProduceOp>(std::move(call), request.acks)->start(request);
}

}  // namespace mq::broker

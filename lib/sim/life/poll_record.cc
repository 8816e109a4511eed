#include "sim/life/poll_record.h"

#include "sim/life/record_body.h"
#include "sim/life/topic_partitions.h"

namespace mq::sim {

PollRecord::PollRecord(const client::Polled& polled, const std::vector<TopicPartition>& asked) {
  for (const TopicPartition& where : asked) parts_[where];
  for (const client::FetchedBatch& batch : polled.batches) add(batch);
  for (const auto& [where, part] : parts_)
    // Without the high watermark: what was fetched ahead has an old one.
    partitions_.push_back({.partition = name_of(where), .records = part.records});
}

void PollRecord::add(const client::FetchedBatch& batch) {
  Part& part = parts_[*batch.where];
  const auto read =
      client::for_each_record(reader_, batch, [&](const record::RecordView& record) { add(part, record); });
  if (!read)
    part.records.push_back(
        {.offset = batch.first_offset.value(), .value = std::nullopt, .damage = "a batch that lies"});
}

void PollRecord::add(Part& part, const record::RecordView& record) {
  std::string_view text = record.value.value_or("");
  for (const record::HeaderView header : record.headers)
    if (header.key == kBodyHeader) text = header.value.value_or("");
  judge::PolledRecord& read = part.records.emplace_back();
  read.offset = record.offset.value();
  if (record.key) read.key = keys_.emplace_back(*record.key);
  const auto body = decode_body(text);
  if (!body) {
    read.damage = "crc";
    return;
  }
  read.value = body->value;
  read.sent_to = name_of(named_.emplace_back(body->sent_to));
}

}  // namespace mq::sim

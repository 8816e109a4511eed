#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "payload.h"
#include "sequence_ledger.h"
#include "stamped_record.h"
#include "verify_marks.h"

namespace mq::mqbench {

/// `mqbench verify`: writes stamped records through whatever happens to the broker, then reads all of them and reports
/// what is lost, doubled, out of order or corrupt.
class Verify final : public Bench {
 public:
  Verify(tool::Context& context, Options options);
  [[nodiscard]] std::string progress() const override;

 private:
  /// The records of one producer for one partition.
  struct Lane {
    VerifyMarks::Key key;
    std::uint64_t next = 0;     ///< the sequence to send
    NumberRanges acknowledged;  ///< or given up
  };
  struct Writer {
    std::unique_ptr<client::Producer> producer;
    client::Producer::Topic* topic = nullptr;
    std::vector<Lane> lanes;  ///< index is the partition
    std::uint64_t sent = 0;
    std::uint64_t count_max = 0;
  };
  enum class Finding { lost, duplicate, reordered, corrupt };

  awaitable<Result<void>> load() override;
  void describe(Report& report) override;
  void on_over() override;
  [[nodiscard]] bool makes_topic() const override { return options().check_marks.empty(); }

  awaitable<Result<void>> write();
  awaitable<Result<void>> open_writer(std::uint32_t number);
  awaitable<void> send_all(Writer& writer);
  /// Waits until --drain for what is on its way, also when a writer waits for room.
  awaitable<void> close_writer(Writer& writer);
  /// False: there is no room, or an error has ended the run.
  bool try_send(Writer& writer);
  void delivered(Writer& writer, const client::Delivery& delivery);
  awaitable<void> save_marks_now_and_then();
  Result<void> save_marks();

  awaitable<Result<void>> read();
  awaitable<Result<std::vector<std::pair<TopicPartition, Offset>>>> ends();
  Result<void> take(const client::FetchedBatch& batch);
  void take(const TopicPartition& where, const record::RecordView& record);
  void find_lost();
  void found(Finding finding, std::uint64_t times, const std::string& what);

  std::string marks_path_;
  Payload payload_;
  VerifyMarks marks_;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::string value_;

  std::map<VerifyMarks::Key, SequenceLedger> ledgers_;
  record::RecordReader reader_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t given_up_ = 0;
  std::uint64_t checked_ = 0;
  std::uint64_t foreign_ = 0;
  std::map<Finding, std::uint64_t> findings_;
  int told_ = 0;
};

}  // namespace mq::mqbench

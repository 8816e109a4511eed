#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "faults.h"
#include "payload.h"
#include "sequence_ledger.h"
#include "stamped_record.h"
#include "verify_history.h"
#include "verify_marks.h"

namespace mq::mqbench {

/// `mqbench verify`: writes stamped records through whatever happens to the broker, then reads all of them and reports
/// what is lost, doubled, out of order or corrupt. With a history it also reads and looks around while it writes, so
/// that a judge sees what clients see meanwhile.
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
    std::optional<judge::HistoryWriter> history;
    /// What the history says was asked for and not answered, by the token of the record.
    boost::unordered_flat_map<std::uint64_t, judge::HistoryWriter::Asked> asked;
  };
  using Positions = std::vector<std::pair<TopicPartition, Offset>>;
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
  awaitable<Result<Positions>> ends();
  Result<void> take(const client::FetchedBatch& batch);
  void take(const TopicPartition& where, const record::RecordView& record);
  void find_lost();
  void found(Finding finding, std::uint64_t times, const std::string& what);

  // The history.
  awaitable<Result<void>> begin_history(std::size_t partitions);
  [[nodiscard]] judge::SentRecord sent_record(const Lane& lane, std::uint64_t sequence, std::int64_t offset) const;
  void note_asked(Writer& writer, const Lane& lane);
  void note_delivered(Writer& writer, const Lane& lane, const client::Delivery& delivery);
  void note_unsent(Writer& writer);
  /// Polls; with `history` it notes that, and what came.
  awaitable<Result<client::Polled>> poll(client::Consumer& consumer, ReaderHistory* history);
  void note_polled(const client::Polled& polled, ReaderHistory& history);
  /// Reads what is written, until writing is over.
  awaitable<void> follow(Positions starts);
  awaitable<Result<void>> begin_again(client::Consumer& consumer, TopicPartition where, ReaderHistory& history);
  /// Asks for the ends of logs again and again, and does not wait for long: whoever judges sees when a fault was felt.
  awaitable<void> look_around();
  /// Ends the run when the history cannot be written.
  bool write_history();

  [[nodiscard]] Faults::Listener fault_listener();

  std::string marks_path_;
  Payload payload_;
  VerifyMarks marks_;
  std::unique_ptr<VerifyHistory> history_;  ///< outlives the writers, which write into it
  std::vector<std::unique_ptr<Writer>> writers_;
  std::string value_;
  Faults faults_;
  bool is_written_ = false;  ///< every record was acknowledged or given up

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

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "bench.h"
#include "client/consumer.h"

namespace mq::mqbench {

/// `mqbench consume`: reads a topic from its start to its end, again and again, on each connection.
class Consume final : public Bench {
 public:
  using Bench::Bench;

 private:
  struct Range {
    TopicPartition where;
    Offset start;
    Offset end;
  };
  struct Reader {
    std::unique_ptr<client::Consumer> consumer;
    record::RecordReader records;
  };

  awaitable<Result<void>> load() override;
  void describe(Report& report) override;
  void on_over() override;
  awaitable<Result<void>> fill();
  awaitable<Result<void>> find_ranges();
  awaitable<Result<void>> open_reader();
  awaitable<void> read(Reader& reader);
  Result<void> take(Reader& reader, const client::FetchedBatch& batch);

  std::vector<Range> ranges_;  ///< of the partitions that hold something
  std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace mq::mqbench

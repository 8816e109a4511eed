#include "send.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "cli/terminal.h"
#include "client/errors.h"
#include "tool/error_stream.h"

namespace mq::mqprod {
namespace {

// Sleeping for less than this costs more than it spreads.
constexpr Duration kRateStep = 2ms;
// After Ctrl-C, for the end of a line that was read in part and for the reader of the copy.
constexpr Duration kOthersWait = 1s;

// Records at fault that are named, each with a line; of the others only the number is told.
constexpr int kFaultsToldMax = 10;

bool is_about_a_record(const client::Delivery& delivery) {
  const ErrorCode code = client::code_of(*delivery.error);
  return delivery.tokens.size() == 1 && (code == ErrorCode::kInvalidRecord || code == ErrorCode::kInvalidTimestamp);
}

std::string name_of(const std::string& file) { return file == "-" ? "standard input" : file; }

}  // namespace

Sender::Sender(tool::Context& context, Options options)
    : runtime_(context.runtime),
      args_(context.args),
      options_(std::move(options)),
      client_(context.client),
      out_(posix::Output::standard(runtime_.shard(0))),
      tee_is_on_terminal_(options_.tee && context.environment.stdout_is_terminal),
      rate_timer_(runtime_.shard(0).make_timer()),
      drain_timer_(runtime_.shard(0).make_timer()),
      tasks_(runtime_.shard(0)) {}

awaitable<cli::ExitCode> Sender::run() {
  env::Shard& shard = runtime_.shard(0);
  next_send_ = shard.now();
  client::Cluster cluster(shard, runtime_.random(), client_);
  const Instant contact_deadline = shard.now() + client_.connect_timeout;
  if (auto reached = co_await cluster.start(contact_deadline); !reached) {
    complain(reached.error());
    co_await cluster.close();
    co_return cli::exit_code_of(reached.error());
  }
  client::Producer producer(cluster, options_.producer,
                            [this](const client::Delivery& delivery) { delivered(delivery); });
  producer_ = &producer;
  auto topic = co_await producer.topic(options_.topic, shard.now() + client_.request_timeout);
  Result<void> done;
  if (!topic) {
    done = std::unexpected(topic.error());
  } else if (topic_ = *topic; options_.partition && *options_.partition >= client::Producer::partition_count(*topic_)) {
    done = fail(Errc::not_found, "{} has no partition {}: it has {}", options_.topic, *options_.partition,
                client::Producer::partition_count(*topic_));
  } else if (options_.files.empty()) {
    done = co_await send_input("-");
  } else {
    for (const std::string& file : options_.files) {
      done = co_await send_input(file);
      if (stopping_ || !done) break;
    }
  }
  if (!done) {
    complain(done.error());
    code_ = cli::worst(code_, bad_input_ ? cli::ExitCode::some_failed : cli::exit_code_of(done.error()));
  }
  // At the end of the input the batches in flight have the patience of --retry; after Ctrl-C `end_in_time` ends them.
  auto closed = co_await producer.close(Instant::never());
  if (!closed) complain(closed.error());
  is_drained_ = true;
  drain_timer_->cancel();
  co_await tasks_.join();
  producer_ = nullptr;
  co_await cluster.close();
  if (failed_ > 0) {
    tool::tell(fmt::format("mqprod: {} of {} records were not acknowledged\n", failed_, read_));
    code_ = cli::worst(code_, cli::ExitCode::some_failed);
  }
  if (stopping_ || args_.flag("verbose")) tool::tell(cli::notice(args_, totals()));
  co_return code_;
}

void Sender::stop(cli::ExitCode as) {
  stopping_ = true;
  code_ = as;
  if (topic_ == nullptr) tool::end_now(as);  // nothing was read yet
  if (input_ != nullptr) input_->interrupt();
  rate_timer_->cancel();
  if (read_ > acknowledged_)
    tool::tell(
        cli::notice(args_, fmt::format("waiting for {} records to be acknowledged; interrupt again to leave them",
                                       read_ - acknowledged_)));
  tasks_.spawn(end_in_time());
}

awaitable<void> Sender::end_in_time() {
  const Instant end = runtime_.shard(0).now() + options_.drain;
  (void)co_await drain_timer_->wait_until(std::min(end, runtime_.shard(0).now() + kOthersWait));
  reading_is_over_ = true;
  if (input_ != nullptr) input_->close();
  out_.close();
  if (is_drained_ || !co_await drain_timer_->wait_until(end)) co_return;
  tool::tell(left_undone());
  tool::end_now(code_);
}

std::string Sender::progress() const { return fmt::format("mqprod: {}\n", totals()); }

std::string Sender::totals() const {
  return fmt::format("{} records read, {} acknowledged, {} failed", read_, acknowledged_, failed_);
}

std::string Sender::left_undone() const {
  const std::size_t unsent = splitter_ == nullptr ? 0 : splitter_->rest();
  if (read_ == acknowledged_ && unsent == 0) return {};
  return fmt::format("mqprod: {} records were not acknowledged{}\n", read_ - acknowledged_,
                     unsent == 0 ? "" : fmt::format(", and {} bytes after them were read and not sent", unsent));
}

awaitable<Result<void>> Sender::send_input(const std::string& file) {
  auto opened = posix::Input::open(runtime_.shard(0), file);
  if (!opened) co_return pass_over(opened.error());
  posix::Input& input = *opened;
  input_ = &input;
  RecordSplitter splitter(options_.delimiter, options_.record_bytes_max);
  splitter_ = &splitter;
  Result<void> result;
  bool at_end = false;
  while (!at_end && result && !(stopping_ && splitter.rest() == 0)) {
    const std::span<char> whole_room = splitter.room();
    const std::span<char> room = whole_room.first(std::min(whole_room.size(), read_bytes_max()));
    const auto got = co_await input.read_some(room);
    if (!got && got.error().code == Errc::cancelled) {
      if (!reading_is_over_) continue;
      tool::tell(fmt::format("mqprod: {}: the last {} bytes, a record without its end, were not sent\n", name_of(file),
                             splitter.rest()));
      break;
    }
    if (!got) {
      result = pass_over(got.error());
      break;
    }
    at_end = *got == 0;
    if (at_end)
      splitter.finish();
    else
      splitter.filled(*got);
    while (auto record = splitter.next()) {
      result = co_await send_record(*record, file, splitter.count());
      if (!result) break;
    }
    // After the sending: a reader of the copy that takes nothing keeps back nothing that was read.
    if (options_.tee && !tee_broken_) co_await copy({room.data(), *got});
    if (splitter.too_long()) {
      bad_input_ = true;
      result = fail(Errc::too_large, "{}: record {} is longer than --max-record {}", name_of(file),
                    splitter.count() + 1, args_.text("max-record"));
    }
  }
  splitter_ = nullptr;
  input_ = nullptr;
  co_return result;
}

/// An input that cannot be read is told and passed over, as cat does; what others hold is sent.
Result<void> Sender::pass_over(const Error& error) {
  complain(error);
  code_ = cli::worst(code_, cli::ExitCode::some_failed);
  return {};
}

awaitable<void> Sender::copy(BytesView bytes) {
  if (auto copied = co_await out_.write(bytes); !copied) {
    // Losing the copy is better than losing records.
    tee_broken_ = true;
    tool::tell(fmt::format("mqprod: the copy to standard output ends, sending goes on: {}\n", copied.error().message));
  }
}

awaitable<Result<void>> Sender::send_record(BytesView bytes, const std::string& file, std::uint64_t number) {
  client::OutgoingRecord record;
  record.partition = options_.partition;
  record.value = bytes;
  if (options_.key) record.key = *options_.key;
  if (options_.key_delimiter) {
    const auto at = bytes.find(*options_.key_delimiter);
    if (at == BytesView::npos) {
      bad_input_ = true;
      co_return fail(Errc::invalid_record, "{}: record {} has no key delimiter (-K)", name_of(file), number);
    }
    record.key = bytes.substr(0, at);
    record.value = bytes.substr(at + options_.key_delimiter->size());
  }
  if (options_.rate) co_await keep_rate(bytes.size());
  record.token = ++read_;
  while (true) {
    MQ_CO_TRY(const bool taken, producer_->try_send(*topic_, record));
    if (taken) break;
    co_await producer_->wait_for_room();
  }
  co_return Result<void>{};
}

std::size_t Sender::read_bytes_max() const {
  // Where the unfinished record ends can only be seen by not reading beyond: the rest is for whoever reads next.
  if (stopping_) return 1;
  if (!options_.rate) return std::numeric_limits<std::size_t>::max();
  constexpr double kSecondsAhead = 0.1;
  constexpr double kShortRecordBytes = 16;
  const double bytes_per_second = options_.rate->per_second * (options_.rate->is_bytes ? 1 : kShortRecordBytes);
  return static_cast<std::size_t>(std::clamp(bytes_per_second * kSecondsAhead, 256.0, double{1 << 20}));
}

awaitable<void> Sender::keep_rate(std::size_t bytes) {
  env::Shard& shard = runtime_.shard(0);
  const double seconds = (options_.rate->is_bytes ? static_cast<double>(bytes) : 1) / options_.rate->per_second;
  const Instant now = shard.now();
  if (next_send_ > now + kRateStep && !stopping_) (void)co_await rate_timer_->wait_until(next_send_);
  next_send_ = std::max(next_send_, now - kRateStep) +
               std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

void Sender::delivered(const client::Delivery& delivery) {
  if (delivery.error == nullptr) {
    acknowledged_ += delivery.tokens.size();
    return;
  }
  // The first failure says what there is to say, unless records are at fault by themselves.
  const bool is_told = failed_ == 0 || (is_about_a_record(delivery) && told_ < kFaultsToldMax);
  if (is_told) {
    ++told_;
    Error error = *delivery.error;
    error.message += delivery.tokens.size() == 1 ? fmt::format(" (record {})", delivery.tokens.front())
                                                 : fmt::format(" ({} records, the first is number {})",
                                                               delivery.tokens.size(), delivery.tokens.front());
    complain(error);
    code_ = cli::worst(code_, cli::exit_code_of(*delivery.error));
  }
  failed_ += delivery.tokens.size();
}

void Sender::complain(const Error& error) { tool::tell(cli::complaint(args_, error)); }

}  // namespace mq::mqprod

#include "meta/sqlite/sqlite_store.h"

#include <fmt/format.h>

#include <string_view>
#include <type_traits>
#include <utility>

#include "env/event.h"
#include "meta/sqlite/database.h"

namespace mq::meta {
namespace {

std::unexpected<Error> closed() { return fail(Errc::closed, "the metadata store is closed"); }
std::unexpected<Error> no_session() { return fail(Errc::conflict, "there is no session for leased keys"); }

class SqliteStore final : public MetadataStore {
 public:
  SqliteStore(env::Pool& pool, env::Shard& home, std::shared_ptr<Database> database)
      : pool_(pool),
        home_(home),
        database_(std::move(database)),
        revision_(database_->revision()),
        call_ended_(home),
        changed_(home) {}

  awaitable<Result<std::optional<KeyValue>>> get(std::string key) override {
    co_return co_await on_database([key = std::move(key)](Database& database) { return database.get(key); });
  }

  awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page) override {
    co_return co_await on_database([prefix = std::move(prefix), page = std::move(page)](Database& database) {
      return database.list(prefix, page);
    });
  }

  awaitable<Result<std::optional<Changes>>> changes(Revision since) override {
    co_return co_await on_database([since](Database& database) { return database.changes(since); });
  }

  awaitable<Result<Revision>> transact(Transaction transaction) override {
    MQ_CO_CHECK(check_limits(transaction));
    if (!has_session_ && puts_leased(transaction)) co_return no_session();
    const bool changes = !transaction.ops.empty();
    auto revision = co_await on_database(
        [transaction = std::move(transaction)](Database& database) { return database.transact(transaction); });
    if (revision && changes) tell(*revision);
    co_return revision;
  }

  awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) override {
    ++waiting_;
    Result<void> waited;
    while (waited && !closing_ && revision_ <= seen) waited = co_await changed_.wait_until(deadline);
    --waiting_;
    call_ended_.notify_all();
    if (closing_) co_return fail(Errc::cancelled, "the metadata store was closed");
    if (!waited) co_return std::unexpected(std::move(waited).error());
    co_return revision_;
  }

  awaitable<Result<Duration>> begin_session(Duration ttl) override {
    MQ_CO_CHECK(co_await erase_leased());
    has_session_ = true;
    co_return ttl;
  }

  awaitable<Result<void>> renew_session() override {
    if (closing_) co_return closed();
    if (!has_session_) co_return no_session();
    co_return Result<void>{};
  }

  awaitable<Result<void>> end_session() override {
    MQ_CO_CHECK(co_await renew_session());
    has_session_ = false;
    co_return co_await erase_leased();
  }

  awaitable<Result<void>> close() override {
    if (closing_) co_return closed();
    closing_ = true;
    changed_.notify_all();
    while (busy_ || waiting_ > 0) co_await call_ended_.wait();
    co_return co_await pool_.run(home_, [database = database_] { return database->close(); });
  }

 private:
  /// Runs `step` in the pool, one at a time and in the order of the calls as far as the shard's events keep it.
  template <class Step>
  awaitable<std::invoke_result_t<Step&, Database&>> on_database(Step step) {
    ++waiting_;
    while (busy_ && !closing_) co_await call_ended_.wait();
    --waiting_;
    if (closing_) {
      call_ended_.notify_all();
      co_return closed();
    }
    busy_ = true;
    auto result =
        co_await pool_.run(home_, [database = database_, step = std::move(step)]() mutable { return step(*database); });
    busy_ = false;
    call_ended_.notify_all();
    co_return result;
  }

  awaitable<Result<void>> erase_leased() {
    const auto revision = co_await on_database([](Database& database) { return database.erase_leased(); });
    if (!revision) co_return fail(revision.error());
    tell(*revision);
    co_return Result<void>{};
  }

  void tell(Revision revision) {
    revision_ = revision;
    changed_.notify_all();
  }

  env::Pool& pool_;
  env::Shard& home_;
  std::shared_ptr<Database> database_;  // shared with the job in progress
  Revision revision_;
  bool busy_ = false;  // a job is in progress
  int waiting_ = 0;    // calls that wait for the database or for a change
  bool closing_ = false;
  bool has_session_ = false;
  env::Event call_ended_;
  env::Event changed_;
};

constexpr std::string_view kFileName = "metadata.db";

/// The write-ahead log first: without it the file is of an earlier time, and the other way round it is nothing.
Result<bool> put_files_aside(env::Files& files, const std::string& data_dir) {
  const std::string path = fmt::format("{}/{}", data_dir, kFileName);
  const std::string kept = path + ".adopted";
  bool any = false;
  for (const std::string_view suffix : {"-wal", ""}) {
    MQ_TRY(const bool is_there, files.exists(fmt::format("{}{}", path, suffix)));
    if (is_there) MQ_CHECK(files.rename(fmt::format("{}{}", path, suffix), fmt::format("{}{}", kept, suffix)));
    any = any || is_there;
  }
  if (any) MQ_CHECK(files.sync_directory(data_dir));
  return any;
}

/// A store that is lost must not be made anew: it would look like "no data" (F-16).
awaitable<Result<std::unique_ptr<MetadataStore>>> open_or_miss(env::Files& files, env::Pool& pool, env::Random& random,
                                                               env::Logger& logger, StoreOpening opening) {
  const std::string path = fmt::format("{}/{}", opening.data_dir, kFileName);
  MQ_CO_TRY(const bool is_there, files.exists(path));
  if (opening.was_made && !is_there) co_return fail(Errc::not_found, "{} is missing", path);
  co_return co_await open_sqlite_store(files, pool, *opening.home, path, random, logger, opening.last_stop);
}

}  // namespace

awaitable<Result<std::unique_ptr<MetadataStore>>> open_sqlite_store(env::Files& files, env::Pool& pool,
                                                                    env::Shard& home, std::string path,
                                                                    env::Random& random, env::Logger& logger,
                                                                    LastStop last_stop) {
  if (last_stop == LastStop::unclean) logger.info("metadata: checking {}, since the last stop was unclean", path);
  auto database = co_await pool.run(home, [&files, &random, &clock = home.clock(), path, last_stop] {
    return Database::open(files, random, clock, path, last_stop);
  });
  if (!database) co_return std::unexpected(std::move(database).error());
  logger.info("metadata: {} at revision {}", path, (*database)->revision().value());
  co_return std::make_unique<SqliteStore>(pool, home, *std::move(database));
}

StoreSource sqlite_source(env::Files& files, env::Pool& pool, env::Random& random, env::Logger& logger) {
  return {.name = std::string(kFileName),
          .open = [&](StoreOpening opening) { return open_or_miss(files, pool, random, logger, std::move(opening)); },
          .put_aside = [&files](const std::string& data_dir) { return put_files_aside(files, data_dir); }};
}

}  // namespace mq::meta

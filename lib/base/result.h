#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

namespace mq {

/// Why something failed, in our own terms. Only `broker` translates it to what a client sees (no default there).
enum class Errc {
  invalid_argument,        ///< the caller, a user or a peer asked for something that makes no sense
  corrupt,                 ///< bytes do not follow their format (not a record batch's CRC: see corrupt_batch)
  corrupt_batch,           ///< a record batch's CRC or lengths are wrong
  invalid_record,          ///< a well-formed batch that breaks a rule for its contents
  unsupported,             ///< a version, codec or feature that we do not have
  too_large,               ///< over a named limit
  not_found,               ///< no such file, key, topic, ...
  already_exists,          ///
  conflict,                ///< a compare-and-set lost
  offset_out_of_range,     ///
  out_of_order_sequence,   ///< idempotent producer: a gap (P-5)
  invalid_producer_epoch,  ///< idempotent producer: an older epoch (P-3)
  invalid_timestamp,       ///
  not_leader,              ///
  disk_failed,             ///< a failed write or sync: final, the directory goes offline (D-1)
  read_failed,             ///< EIO on a read: this place cannot be read now, others may
  disk_full,               ///< ENOSPC or EDQUOT: nothing was written; freeing space ends it
  would_block,             ///< not in the page cache, or no data now
  closed,                  ///< the peer closed, or the object is stopped
  cancelled,               ///< a wait at a seam was ended by us
  timed_out,               ///
  unreachable,             ///< no connection could be made
  refused,                 ///< by policy or a lock
  too_many_files,          ///< EMFILE or ENFILE
  broker,                  ///< a broker answered with an error; `Error::kafka_code` holds it
  internal,                ///< ours to fix
};

[[nodiscard]] const char* to_string(Errc code);

/// Nothing was changed, and the same may succeed later without a restart: space is freed, descriptors are closed.
[[nodiscard]] constexpr bool is_passing(Errc code) { return code == Errc::disk_full || code == Errc::too_many_files; }

/// An error with the sentence a person needs. `message` says what failed and what to do about it.
struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::int16_t kafka_code = 0;  ///< Kafka's error code when `code` is `broker`, else 0
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(Errc::not_found, "no topic {}", name);`
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(Errc code, fmt::format_string<Args...> text, Args&&... args) {
  return std::unexpected(Error{.code = code, .message = fmt::format(text, std::forward<Args>(args)...)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace mq

#define MQ_CONCAT_(a, b) a##b
#define MQ_CONCAT(a, b) MQ_CONCAT_(a, b)

/// `MQ_TRY(auto end, log.append(batch));` declares `end`, or returns the error to the caller.
#define MQ_TRY(declaration, ...)                                             \
  auto MQ_CONCAT(mq_try_, __LINE__) = (__VA_ARGS__);                         \
  if (!MQ_CONCAT(mq_try_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(MQ_CONCAT(mq_try_, __LINE__)).error()); \
  declaration = *std::move(MQ_CONCAT(mq_try_, __LINE__))

/// `MQ_CHECK(file.sync());` returns the error of a Result<void> to the caller.
#define MQ_CHECK(...)                                            \
  do {                                                           \
    if (auto mq_check_ = (__VA_ARGS__); !mq_check_) [[unlikely]] \
      return std::unexpected(std::move(mq_check_).error());      \
  } while (false)

/// The same inside a coroutine.
#define MQ_CO_TRY(declaration, ...)                                             \
  auto MQ_CONCAT(mq_try_, __LINE__) = (__VA_ARGS__);                            \
  if (!MQ_CONCAT(mq_try_, __LINE__)) [[unlikely]]                               \
    co_return std::unexpected(std::move(MQ_CONCAT(mq_try_, __LINE__)).error()); \
  declaration = *std::move(MQ_CONCAT(mq_try_, __LINE__))

#define MQ_CO_CHECK(...)                                         \
  do {                                                           \
    if (auto mq_check_ = (__VA_ARGS__); !mq_check_) [[unlikely]] \
      co_return std::unexpected(std::move(mq_check_).error());   \
  } while (false)

#include "base/result.h"

#include <utility>

namespace mq {

const char* to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid argument";
    case Errc::corrupt:
      return "corrupt";
    case Errc::corrupt_batch:
      return "corrupt batch";
    case Errc::invalid_record:
      return "invalid record";
    case Errc::unsupported:
      return "unsupported";
    case Errc::too_large:
      return "too large";
    case Errc::not_found:
      return "not found";
    case Errc::already_exists:
      return "already exists";
    case Errc::conflict:
      return "conflict";
    case Errc::offset_out_of_range:
      return "offset out of range";
    case Errc::out_of_order_sequence:
      return "out of order sequence";
    case Errc::invalid_producer_epoch:
      return "invalid producer epoch";
    case Errc::invalid_timestamp:
      return "invalid timestamp";
    case Errc::not_leader:
      return "not leader";
    case Errc::disk_failed:
      return "disk failed";
    case Errc::read_failed:
      return "read failed";
    case Errc::disk_full:
      return "disk full";
    case Errc::would_block:
      return "would block";
    case Errc::closed:
      return "closed";
    case Errc::cancelled:
      return "cancelled";
    case Errc::timed_out:
      return "timed out";
    case Errc::unreachable:
      return "unreachable";
    case Errc::refused:
      return "refused";
    case Errc::too_many_files:
      return "too many open files";
    case Errc::broker:
      return "broker error";
    case Errc::internal:
      return "internal error";
  }
  std::unreachable();
}

}  // namespace mq

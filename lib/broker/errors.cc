#include "broker/errors.h"

#include <utility>

namespace mq::broker {

ErrorCode to_wire(const Error& error) {
  switch (error.code) {  // no default: a new Errc must not compile until someone decides what clients see
    case Errc::invalid_argument:
      return ErrorCode::kInvalidRequest;
    case Errc::corrupt:
      return ErrorCode::kCorruptMessage;
    case Errc::corrupt_batch:
      return ErrorCode::kCorruptMessage;
    case Errc::invalid_record:
      return ErrorCode::kInvalidRecord;
    case Errc::unsupported:
      return ErrorCode::kUnsupportedForMessageFormat;
    case Errc::too_large:
      return ErrorCode::kMessageTooLarge;
    case Errc::not_found:
      return ErrorCode::kUnknownTopicOrPartition;
    case Errc::already_exists:
      return ErrorCode::kTopicAlreadyExists;
    case Errc::conflict:
      return ErrorCode::kRequestTimedOut;  // somebody was faster: the client tries again
    case Errc::offset_out_of_range:
      return ErrorCode::kOffsetOutOfRange;
    case Errc::out_of_order_sequence:
      return ErrorCode::kOutOfOrderSequenceNumber;
    case Errc::invalid_producer_epoch:
      return ErrorCode::kInvalidProducerEpoch;
    case Errc::invalid_timestamp:
      return ErrorCode::kInvalidTimestamp;
    case Errc::not_leader:
      return ErrorCode::kNotLeaderOrFollower;
    case Errc::disk_failed:
      return ErrorCode::kKafkaStorageError;
    case Errc::read_failed:
      return ErrorCode::kKafkaStorageError;
    case Errc::disk_full:
      return ErrorCode::kKafkaStorageError;
    case Errc::would_block:
      return ErrorCode::kRequestTimedOut;
    case Errc::closed:
      return ErrorCode::kNotLeaderOrFollower;
    case Errc::cancelled:
      return ErrorCode::kNotLeaderOrFollower;
    case Errc::timed_out:
      return ErrorCode::kRequestTimedOut;
    case Errc::unreachable:
      return ErrorCode::kBrokerNotAvailable;
    case Errc::refused:
      return ErrorCode::kKafkaStorageError;  // by the file system: no permission, or read-only
    case Errc::too_many_files:
      return ErrorCode::kKafkaStorageError;
    case Errc::broker:
      return static_cast<ErrorCode>(error.kafka_code);
    case Errc::internal:
      return ErrorCode::kUnknownServerError;
  }
  std::unreachable();
}

}  // namespace mq::broker

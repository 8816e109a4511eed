#pragma once

#include <string_view>

#include "cli/arguments.h"
#include "cli/value_error.h"
#include "client/producer.h"

namespace mq::tool {

// The options that mqprod and mqbench have in common; both keep `client::ProducerOptions producer` in their own.

[[nodiscard]] cli::Parsed<client::Acks> parse_acks(std::string_view text);
[[nodiscard]] cli::Parsed<record::Codec> parse_codec(std::string_view text);
/// Of a flag that takes something away: false, whatever the text.
[[nodiscard]] cli::Parsed<bool> switched_off(std::string_view text);

template <class Options>
inline constexpr cli::OptionRow kAcks{
    .short_name = 'a',
    .long_name = "acks",
    .kind = cli::ValueKind::choice,
    .value_name = "all|1|0",
    .fallback = "all",
    .choices = "all|1|0",
    .group = "Delivery",
    .help = "what counts as sent: on every in-sync replica, on the leader, or on its way",
    .into = cli::parsed_into<parse_acks, &Options::producer, &client::ProducerOptions::acks>};

/// The producer is not idempotent with other acks, whatever is asked for.
template <class Options>
inline constexpr cli::OptionRow kNoIdempotent{
    .long_name = "no-idempotent",
    .kind = cli::ValueKind::flag,
    .group = "Delivery",
    .help = "allow duplicates and another order when a request is sent again; -a 1 and -a 0 imply it",
    .into = cli::parsed_into<switched_off, &Options::producer, &client::ProducerOptions::idempotent>};

template <class Options>
inline constexpr cli::OptionRow kBatch{.long_name = "batch",
                                       .kind = cli::ValueKind::size,
                                       .value_name = "SIZE",
                                       .fallback = "256K",
                                       .group = "Delivery",
                                       .help = "a batch is sent when it is so large",
                                       .into = cli::into<&Options::producer, &client::ProducerOptions::batch_bytes>};

template <class Options>
inline constexpr cli::OptionRow kInflight{
    .long_name = "inflight",
    .kind = cli::ValueKind::number,
    .value_name = "N",
    .fallback = "5",
    .group = "Delivery",
    .help = "requests to one broker without an answer yet",
    .number_min = 1,
    .number_max = 1000,
    .above = {.number = 5, .needs_one = "no-idempotent|acks=1|acks=0"},
    .into = cli::into<&Options::producer, &client::ProducerOptions::inflight_max>};

}  // namespace mq::tool

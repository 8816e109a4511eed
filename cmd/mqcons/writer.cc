#include "writer.h"

#include "cli/envelope.h"
#include "cli/escape.h"
#include "cli/record_view.h"

namespace mq::mqcons {

void Writer::write(const TopicPartition& where, const record::BatchHeader& batch, const record::RecordView& record,
                   std::string& out) {
  cli::RecordView view{.topic = where.topic,
                       .partition = where.partition,
                       .offset = record.offset.value(),
                       .leader_epoch = batch.leader_epoch.value(),
                       .timestamp = record.timestamp,
                       .timestamp_type = batch.timestamp_type() == record::TimestampType::create_time
                                             ? cli::TimestampType::create
                                             : cli::TimestampType::append,
                       .key = record.key,
                       .value = record.value,
                       .headers = {}};
  if (options_.json || options_.format)
    for (const record::HeaderView& header : record.headers)
      view.headers.push_back({.name = header.key, .value = header.value});
  if (!options_.escape_controls) return write_plain(view, out);
  // A record must not drive the terminal; its own line ends stay.
  line_.clear();
  write_plain(view, line_);
  cli::append_for_terminal(line_, out);
}

void Writer::write_plain(const cli::RecordView& record, std::string& out) const {
  if (options_.format) {
    options_.format->write(record, out, options_.null_text);
  } else if (options_.json) {
    cli::write_envelope(record, out);
  } else {
    if (options_.key_delimiter) {
      out.append(record.key ? *record.key : BytesView(options_.null_text));
      out.append(*options_.key_delimiter);
    }
    out.append(record.value ? *record.value : BytesView(options_.null_text));
  }
  out.append(options_.delimiter);
}

}  // namespace mq::mqcons

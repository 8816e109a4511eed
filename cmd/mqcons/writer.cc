#include "writer.h"

#include "cli/envelope.h"
#include "cli/escape.h"

namespace mq::mqcons {

void Writer::write(const TopicPartition& where, const record::BatchHeader& batch, const record::RecordView& record,
                   std::string& out) {
  const cli::StoredRecord stored{.where = where, .batch = batch, .record = record};
  if (!options_.escape_controls) return write_plain(stored, out);
  // A record must not drive the terminal; its own line ends stay.
  line_.clear();
  write_plain(stored, line_);
  cli::append_for_terminal(line_, out);
}

void Writer::write_plain(const cli::StoredRecord& stored, std::string& out) const {
  const record::RecordView& record = stored.record;
  if (options_.format) {
    options_.format->write(stored, out, options_.null_text);
  } else if (options_.json) {
    cli::write_envelope(stored, out);
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

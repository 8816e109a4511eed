#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "env/files.h"

namespace mq::broker {

/// A range of a file inside an answer, sent without copying where the stream can (`Stream::send_file`).
struct FilePart {
  std::shared_ptr<env::File> file;  ///< stays open until sent
  std::uint64_t position = 0;
  std::size_t size = 0;
  std::string after;  ///< the encoded bytes that follow the range
};

/// One encoded response frame: `head`, then each file range followed by its `after`.
struct Answer {
  std::string head;
  std::vector<FilePart> files;

  /// Its bytes on the wire.
  [[nodiscard]] std::size_t wire_bytes() const {
    std::size_t bytes = memory_bytes();
    for (const FilePart& part : files) bytes += part.size;
    return bytes;
  }
  /// Memory that this answer holds; file ranges hold none.
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes = head.size();
    for (const FilePart& part : files) bytes += part.after.size();
    return bytes;
  }
};

}  // namespace mq::broker

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "env/shard.h"

namespace mq::posix {

class PollableFile;

/// A file, pipe, terminal or socket that a tool reads from beginning to end. Waiting for a pipe or a terminal does not
/// hold up the shard; a regular file is read at once. A terminal or pipe shared with other processes keeps its mode.
/// Lives on one shard; one read at a time.
class Input {
 public:
  /// "-" is standard input. Errors as of Files::open.
  [[nodiscard]] static Result<Input> open(env::Shard& shard, const std::string& path);
  ~Input();
  Input(Input&&) noexcept;

  /// At least one byte, at most `to.size()`; 0 at the end. cancelled after `close`.
  awaitable<Result<std::size_t>> read_some(std::span<char> to);
  /// Ends a read that waits, with cancelled; later ones go on where it was.
  void interrupt();
  /// Ends a read in progress and all later ones. Standard input itself stays open.
  void close();

 private:
  explicit Input(std::unique_ptr<PollableFile> file);
  std::unique_ptr<PollableFile> file_;
};

/// Standard output as a tool writes it: waits, without holding up the shard, while a pipe or terminal has no room.
/// Lives on one shard; one write at a time. Nothing is buffered here.
class Output {
 public:
  [[nodiscard]] static Output standard(env::Shard& shard);
  ~Output();
  Output(Output&&) noexcept;

  /// Writes all of `bytes`. closed: nobody reads any more (EPIPE); disk_full and others as of File::write_at; cancelled
  /// after `close`, and part of them may be written then.
  awaitable<Result<void>> write(BytesView bytes);
  /// Returns true once nobody reads any more; false when that cannot be seen (a regular file), or after `close`.
  awaitable<bool> reader_gone();
  /// Ends a write in progress and all later ones. Standard output itself stays open.
  void close();

 private:
  explicit Output(std::unique_ptr<PollableFile> file);
  std::unique_ptr<PollableFile> file_;
};

/// Writes `text` to standard error without waiting for whoever reads that (see LineWriter): it comes later, or not at
/// all. The end of the process waits a moment for it.
void write_error(std::string_view text);
/// That wait, for those who end the process at once.
void flush_error();

}  // namespace mq::posix

#include "posix/stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "posix/line_writer.h"
#include "posix/pollable_file.h"
#include "posix/system_error.h"

namespace mq::posix {

Result<Input> Input::open(env::Shard& shard, const std::string& path) {
  if (path == "-") return Input(std::make_unique<PollableFile>(shard, STDIN_FILENO, PollableFile::Direction::in));
  // O_NONBLOCK keeps the open of a named pipe without a writer, and later its reads, from blocking; files ignore it.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return file_failure(errno, "open", path);
  return Input(std::make_unique<PollableFile>(shard, std::move(file), PollableFile::Direction::in, path));
}

Input::Input(std::unique_ptr<PollableFile> file) : file_(std::move(file)) {}
Input::Input(Input&&) noexcept = default;
Input::~Input() = default;
awaitable<Result<std::size_t>> Input::read_some(std::span<char> to) { return file_->read_some(to); }
void Input::interrupt() { file_->interrupt(); }
void Input::close() { file_->close(); }

Output Output::standard(env::Shard& shard) {
  return Output(std::make_unique<PollableFile>(shard, STDOUT_FILENO, PollableFile::Direction::out));
}

Output::Output(std::unique_ptr<PollableFile> file) : file_(std::move(file)) {}
Output::Output(Output&&) noexcept = default;
Output::~Output() = default;
awaitable<Result<void>> Output::write(BytesView bytes) { return file_->write(bytes); }
awaitable<bool> Output::reader_gone() { return file_->reader_gone(); }
void Output::close() { file_->close(); }

namespace {

LineWriter& error_writer() {
  static LineWriter writer(STDERR_FILENO, LineWriter::Files::at_once, [](std::uint64_t lines) {
    return "(" + std::to_string(lines) + " lines were dropped here: standard error was not read)\n";
  });
  return writer;
}

}  // namespace

void write_error(std::string_view text) { error_writer().write(text); }

void flush_error() { (void)error_writer().flush(LineWriter::kPatience); }

}  // namespace mq::posix

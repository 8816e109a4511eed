#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "judge/history.h"

namespace mq::judge {

/// A longer line is refused: a poll of a hundred thousand records fits.
inline constexpr std::size_t kLineBytesMax = 16u << 20;
/// Lines of all files of a history. A history that is longer is refused.
inline constexpr std::size_t kLinesMax = 100'000'000;

/// Reads the files of one history, JSON lines as docs/histories.md has them. Every error is an invalid_argument whose
/// message begins with FILE:LINE; after one the object is of no use.
class HistoryReader {
 public:
  HistoryReader();
  ~HistoryReader();

  /// About so many bytes are to come, of all files: makes room for what they hold, so that nothing has to be moved.
  void expect(std::uint64_t bytes);
  /// What is read from here on is of the file `name`.
  void begin_file(std::string_view name);
  /// The next bytes of the file: any number, lines may be cut anywhere.
  [[nodiscard]] Result<void> read(std::string_view bytes);
  /// The file has ended. A last line without its newline that is no whole JSON text is passed over and counted: its
  /// client was killed while it wrote.
  [[nodiscard]] Result<void> end_file();
  /// All files have been read.
  [[nodiscard]] Result<History> finish() &&;

 private:
  class Lines;
  std::unique_ptr<Lines> lines_;
};

}  // namespace mq::judge

// mq_check [--json FILE] HISTORY...: says which promises a run broke. docs/histories.md tells what it reads.
#include <malloc.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "judge/history_reader.h"
#include "judge/report.h"
#include "judge/verdict.h"

namespace mq::judge {
namespace {

constexpr int kExitKept = 0;
constexpr int kExitBroken = 1;
constexpr int kExitUnreadable = 2;
constexpr int kExitUnknown = 3;

constexpr std::string_view kUsage =
    "usage: mq_check [--json FILE] HISTORY...\n"
    "Judges the history of a run: JSON lines, of one file or of several that belong together; - is standard input.\n"
    "exit status: 0 every promise that was judged was kept; 1 one was broken; 2 usage, or a history that cannot be "
    "read;\n"
    "3 unknown, the run did too little to tell\n";

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File opened(const std::string& name, const char* mode) {
  if (name == "-") return {*mode == 'r' ? stdin : stdout, [](std::FILE*) { return 0; }};
  return {std::fopen(name.c_str(), mode), [](std::FILE* file) { return std::fclose(file); }};
}

Result<void> read_file(HistoryReader& reader, const std::string& name) {
  const File file = opened(name, "r");
  if (!file) return fail(Errc::not_found, "{}: cannot be opened: {}", name, std::strerror(errno));
  reader.begin_file(name);
  std::vector<char> bytes(1u << 20);
  while (const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), file.get()))
    MQ_CHECK(reader.read({bytes.data(), count}));
  if (std::ferror(file.get())) return fail(Errc::read_failed, "{}: cannot be read: {}", name, std::strerror(errno));
  return reader.end_file();
}

Result<void> write_file(const std::string& name, std::string_view text) {
  const File file = opened(name, "w");
  if (!file || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0)
    return fail(Errc::invalid_argument, "{}: cannot be written: {}", name == "-" ? "standard output" : name,
                std::strerror(errno));
  return {};
}

Result<History> read_all(std::span<const std::string> names) {
  HistoryReader reader;
  std::uint64_t bytes = 0;
  for (const std::string& name : names) {
    std::error_code unknown;  // of a pipe
    const std::uintmax_t size = std::filesystem::file_size(name, unknown);
    if (!unknown) bytes += size;
  }
  reader.expect(bytes);
  for (const std::string& name : names) MQ_CHECK(read_file(reader, name));
  return std::move(reader).finish();
}

int exit_status(Verdict::Answer answer) {
  switch (answer) {
    case Verdict::Answer::kept:
      return kExitKept;
    case Verdict::Answer::broken:
      return kExitBroken;
    case Verdict::Answer::unknown:
      return kExitUnknown;
  }
  std::abort();
}

int unreadable(const Error& error) {
  std::fprintf(stderr, "mq_check: %s\n", error.message.c_str());
  return kExitUnreadable;
}

int run(std::span<char*> words) {
  std::vector<std::string> histories;
  std::optional<std::string> json;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (word == "--help") return std::fputs(kUsage.data(), stdout) < 0 ? kExitUnreadable : kExitKept;
    if (word == "--json" && at + 1 < words.size()) {
      json = words[++at];
    } else if (word.starts_with("-") && word != "-") {
      std::fputs(kUsage.data(), stderr);
      return kExitUnreadable;
    } else {
      histories.emplace_back(word);
    }
  }
  if (histories.empty()) {
    std::fputs(kUsage.data(), stderr);
    return kExitUnreadable;
  }
  const auto history = read_all(histories);
  if (!history) return unreadable(history.error());
  const Verdict verdict = judge(*history);
  if (json)
    if (const auto written = write_file(*json, report_json(*history, verdict)); !written)
      return unreadable(written.error());
  if (const auto written = write_file("-", report_text(*history, verdict)); !written)
    return unreadable(written.error());
  return exit_status(verdict.answer);
}

}  // namespace
}  // namespace mq::judge

int main(int argc, char** argv) {
  // What one step gives back the next one uses, instead of handing it to the kernel and getting it anew page by page.
  (void)::mallopt(M_MMAP_MAX, 0);
  (void)::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  return mq::judge::run(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
}

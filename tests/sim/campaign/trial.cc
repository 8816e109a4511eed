#include "campaign/trial.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "sim/life/life.h"

namespace mq::sim {
namespace {

constexpr unsigned kSecondsMax = 300;
constexpr std::size_t kLastWordsMax = 4000;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary() {
  File file(std::tmpfile(), std::fclose);
  MQ_ASSERT(file != nullptr);
  return file;
}

/// What the process of a trial leaves behind, before its text.
struct Left {
  Trial::Answer answer = Trial::Answer::aborted;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t operations = 0;
  Duration lived{0};
  std::uint64_t text_bytes = 0;
};

void write_all(std::FILE* file, const void* bytes, std::size_t size) {
  MQ_ASSERT(std::fwrite(bytes, 1, size, file) == size);
}

void save(const std::string& name, std::string_view text) {
  if (name.empty()) return;
  const File file(std::fopen(name.c_str(), "w"), std::fclose);
  MQ_ASSERT(file != nullptr);
  write_all(file.get(), text.data(), text.size());
}

/// A life asks for memory and gives it back all the time; the kernel, which clears each page anew, is asked once.
void keep_memory() {
  constexpr int kPlenty = 1 << 30;
  (void)mallopt(M_TRIM_THRESHOLD, kPlenty);
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  (void)mallopt(M_TOP_PAD, 16 << 20);
}

[[noreturn]] void live_and_exit(const Plan& plan, const TrialFiles& files, std::FILE* to, std::FILE* words) {
  if (!files.keeps_stderr) (void)dup2(fileno(words), STDERR_FILENO);
  (void)alarm(kSecondsMax);
  keep_memory();
  const LifeReport report = live(plan);
  save(files.history, report.history);
  save(files.log, report.log);
  const Left left{.answer = static_cast<Trial::Answer>(report.answer),
                  .hash = report.hash,
                  .events = report.events,
                  .operations = report.operations,
                  .lived = report.lived,
                  .text_bytes = report.text.size()};
  write_all(to, &left, sizeof left);
  write_all(to, report.text.data(), report.text.size());
  for (const Mark& mark : all_marks()) {
    const std::uint32_t hits = mark.hits.load();
    write_all(to, &hits, sizeof hits);
  }
  (void)std::fflush(to);
  _exit(0);
}

std::string last_words(std::FILE* words) {
  std::string text(kLastWordsMax, '\0');
  (void)std::fseek(words, 0, SEEK_END);
  const long size = std::ftell(words);
  (void)std::fseek(words, std::max(0L, size - static_cast<long>(kLastWordsMax)), SEEK_SET);
  text.resize(std::fread(text.data(), 1, text.size(), words));
  return text;
}

Trial read_trial(int status, std::FILE* from, std::FILE* words) {
  Trial trial;
  Left left;
  std::rewind(from);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || std::fread(&left, sizeof left, 1, from) != 1) {
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    trial.answer = signal == SIGALRM ? Trial::Answer::hung : Trial::Answer::aborted;
    trial.text = last_words(words);
    if (trial.text.empty()) trial.text = fmt::format("signal {} ({})\n", signal, strsignal(signal));
    return trial;
  }
  trial.answer = left.answer;
  trial.hash = left.hash;
  trial.events = left.events;
  trial.operations = left.operations;
  trial.lived = left.lived;
  trial.text.resize(left.text_bytes);
  MQ_ASSERT(std::fread(trial.text.data(), 1, left.text_bytes, from) == left.text_bytes);
  trial.marks.resize(all_marks().size());
  MQ_ASSERT(std::fread(trial.marks.data(), sizeof trial.marks[0], trial.marks.size(), from) == trial.marks.size());
  return trial;
}

}  // namespace

struct Trials::Running {
  pid_t process = 0;
  std::uint64_t tag = 0;
  File result = temporary();
  File words = temporary();
};

Trials::Trials(int jobs) : jobs_(jobs) {}

Trials::~Trials() {
  for (const auto& one : running_) {
    (void)::kill(one->process, SIGKILL);
    (void)waitpid(one->process, nullptr, 0);
  }
}

void Trials::begin(std::uint64_t tag, const Plan& plan, const TrialFiles& files) {
  MQ_ASSERT(has_room());
  Running& one = *running_.emplace_back(std::make_unique<Running>());
  one.tag = tag;
  (void)std::fflush(nullptr);
  one.process = fork();
  MQ_ASSERT(one.process >= 0);
  if (one.process != 0) return;
  // Nobody would read what it has to say.
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  live_and_exit(plan, files, one.result.get(), one.words.get());
}

Trials::Ended Trials::wait() {
  MQ_ASSERT(!is_idle());
  int status = 0;
  const pid_t process = waitpid(-1, &status, 0);
  const auto one = std::ranges::find_if(running_, [&](const auto& other) { return other->process == process; });
  MQ_ASSERT(one != running_.end());
  Ended ended{.tag = (*one)->tag, .trial = read_trial(status, (*one)->result.get(), (*one)->words.get())};
  running_.erase(one);
  return ended;
}

Trial try_out(const Plan& plan, const TrialFiles& files) {
  Trials trials(1);
  trials.begin(0, plan, files);
  return trials.wait().trial;
}

std::string Trial::reason() const {
  std::string reason = fmt::format("{}: {}", to_string(answer), text.substr(0, text.find('\n')));
  std::erase_if(reason, [](unsigned char c) { return std::isdigit(c) != 0; });
  return reason;
}

const char* to_string(Trial::Answer answer) {
  constexpr std::array<const char*, 5> kWords = {"kept", "broken", "unknown", "aborted", "hung"};
  return kWords.at(static_cast<std::size_t>(answer));
}

}  // namespace mq::sim

// mq_sim: draws whole lives of brokers and their clients from seeds, lives them on simulated machines, and has their
// histories judged. docs/testing.md tells how to use it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "base/mutant.h"
#include "campaign/shrink.h"
#include "campaign/trial.h"
#include "campaign/wish.h"
#include "sim/life/plan.h"

namespace mq::sim {
namespace {

constexpr int kExitKept = 0;
constexpr int kExitBroken = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnknown = 3;
/// Of a campaign's lives, that may be unknown.
constexpr std::uint64_t kUnknownPercentMax = 25;

#ifdef MQ_MUTANTS
void set_mutant(std::size_t place) { mutant_on = place; }
#else
void set_mutant(std::size_t) {}
#endif

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 16) + 1'000'000;
}

/// Lives many lives and counts.
class Campaign {
 public:
  explicit Campaign(const Wish& wish) : wish_(wish), trials_(wish.jobs), hits_(all_marks().size()) {}

  int run() {
    const std::uint64_t first = wish_.from.value_or(fresh_seed());
    add_marks_of_another_run();
    const auto began = std::chrono::steady_clock::now();
    for (std::uint64_t next = first; next < first + wish_.count && !is_caught(); ++next) {
      begin(next, first);
      if (!suspects_.empty()) settle_suspects();
    }
    settle_suspects();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    report(first, took.count());
    return exit_status();
  }

 private:
  [[nodiscard]] bool is_caught() const { return has_mutant() && !failed_.empty(); }
  [[nodiscard]] bool has_mutant() const { return wish_.mutant != kNoMutant; }
  [[nodiscard]] Plan plan_of(std::uint64_t seed) const { return cut(draw_plan(seed, wish_.brokers), wish_.cuts); }

  void begin(std::uint64_t seed, std::uint64_t first) {
    const int lives = (seed - first) % 100 < wish_.twice_percent ? 2 : 1;
    for (int life = 0; life < lives; ++life) {
      while (!trials_.has_room()) take(trials_.wait());
      trials_.begin(seed, plan_of(seed));
    }
    if (lives == 2) ++twice_;
  }

  void take(const Trials::Ended& ended) {
    const Trial& trial = ended.trial;
    ++lived_;
    virtual_seconds_ += std::chrono::duration<double>(trial.lived).count();
    operations_ += trial.operations;
    events_ += trial.events;
    if (trial.answer == Trial::Answer::unknown) ++unknown_;
    for (std::size_t at = 0; at < trial.marks.size(); ++at) hits_[at] += trial.marks[at];
    const auto [known, is_new] = hashes_.emplace(ended.tag, trial.hash);
    if (!is_new && known->second != trial.hash && !trial.has_failed()) {
      fmt::print("seed {}: lived twice, and not the same\n", ended.tag);
      failed_.emplace(ended.tag, "not the same twice");
    }
    if (trial.has_failed() && has_mutant()) return void(suspects_.emplace_back(ended.tag, trial));
    if (wish_.open_seeds.contains(ended.tag)) return take_open(ended);
    if (!trial.has_failed() || !failed_.emplace(ended.tag, trial.reason()).second) return;
    tell(ended.tag, trial);
    shrinkable_.emplace_back(ended.tag, trial);
  }

  /// A failure that is known and not mended yet: told, and an error when it is not there any more.
  void take_open(const Trials::Ended& ended) {
    tell(ended.tag, ended.trial);
    if (ended.trial.has_failed()) return;
    fmt::print("seed {} does not fail any more: it is no open one\n", ended.tag);
    failed_.emplace(ended.tag, "does not fail any more");
  }

  /// Waits for the lives in progress. Of those that failed with the mutant only such count as do not without.
  void settle_suspects() {
    while (!trials_.is_idle()) take(trials_.wait());
    set_mutant(kNoMutant);
    for (const auto& [seed, trial] : std::exchange(suspects_, {})) {
      if (try_out(plan_of(seed)).has_failed()) {
        fmt::print("seed {}: fails without the mutant, too\n", seed);
      } else if (failed_.emplace(seed, trial.reason()).second) {
        tell(seed, trial);
      }
    }
    set_mutant(wish_.mutant);
  }

  static void tell(std::uint64_t seed, const Trial& trial) {
    fmt::print("seed {}: {}\n", seed, trial.text.substr(0, trial.text.find('\n')));
    (void)std::fflush(stdout);
  }

  void report(std::uint64_t first, double took) {
    std::set<std::string> told;
    for (const auto& [seed, trial] : shrinkable_)
      if (told.insert(trial.reason()).second) tell_failure(seed, trial);
    fmt::print(
        "seeds {} to {}: {} lives ({} of them for the second time), {} failed, {} unknown; {:.0f} virtual s, {:.0f} s: "
        "{:.0f} virtual s a second and job; {} operations, {} events\n",
        first, first + wish_.count - 1, lived_, twice_, failed_.size(), unknown_, virtual_seconds_, took,
        virtual_seconds_ / took / wish_.jobs, operations_, events_);
    if (!wish_.marks.empty()) write_marks();
    if (wish_.marks_percent_min > 0) tell_marks();
    if (has_mutant())
      fmt::print("mutant {}: {} after {} lives\n", kMutants.at(wish_.mutant).name,
                 is_caught() ? "caught" : "NOT CAUGHT", lived_);
  }

  void tell_failure(std::uint64_t seed, const Trial& trial) const {
    const Plan plan = plan_of(seed);
    if (!wish_.shrinks || wish_.cuts != Cuts{}) {
      fmt::print("\n{}\nmq_sim {}\n\n", trial.text, words_of(plan, wish_.cuts));
      return;
    }
    const Shrunk shrunk = shrink(plan, trial);
    fmt::print("\n{}\n{}smaller after {} tries:\nmq_sim {}\n\n", shrunk.trial.text, to_string(cut(plan, shrunk.cuts)),
               shrunk.tries, words_of(plan, shrunk.cuts));
  }

  void add_marks_of_another_run() {
    if (wish_.marks_also.empty()) return;
    std::ifstream file(wish_.marks_also);
    for (std::string line; std::getline(file, line);) {
      const std::size_t name = line.find(' ') + 1;
      const auto mark = std::ranges::find(all_marks(), std::string_view(line).substr(name), &Mark::name);
      if (mark != all_marks().end()) hits_[static_cast<std::size_t>(mark - all_marks().begin())] += std::stoull(line);
    }
  }

  void write_marks() {
    std::FILE* const file = std::fopen(wish_.marks.c_str(), "w");
    std::string text;
    for (std::size_t at = 0; at < hits_.size(); ++at) text += fmt::format("{} {}\n", hits_[at], all_marks()[at].name);
    const bool is_whole = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    are_marks_written_ = file != nullptr && std::fclose(file) == 0 && is_whole;
    if (!are_marks_written_) fmt::print(stderr, "mq_sim: {} cannot be written\n", wish_.marks);
  }

  [[nodiscard]] std::size_t marks_reached() const {
    return hits_.size() - static_cast<std::size_t>(std::ranges::count(hits_, std::uint64_t{0}));
  }
  [[nodiscard]] bool are_enough_marks_reached() const {
    return marks_reached() * 100 >= hits_.size() * wish_.marks_percent_min;
  }

  void tell_marks() const {
    for (std::size_t at = 0; at < hits_.size(); ++at)
      if (hits_[at] == 0) fmt::print("never reached: {}\n", all_marks()[at].name);
    fmt::print("marks: {} of {} reached, {} at least {} percent\n", marks_reached(), hits_.size(),
               are_enough_marks_reached() ? "which are" : "and not", wish_.marks_percent_min);
  }

  [[nodiscard]] int exit_status() const {
    if (!are_marks_written_) return kExitBroken;
    if (has_mutant()) return is_caught() ? kExitKept : kExitBroken;
    if (!failed_.empty() || !are_enough_marks_reached()) return kExitBroken;
    return unknown_ * 100 > lived_ * kUnknownPercentMax ? kExitUnknown : kExitKept;
  }

  const Wish& wish_;
  Trials trials_;
  std::uint64_t lived_ = 0;
  std::uint64_t twice_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t events_ = 0;
  double virtual_seconds_ = 0;
  std::vector<std::uint64_t> hits_;
  bool are_marks_written_ = true;
  std::map<std::uint64_t, std::uint64_t> hashes_;
  std::map<std::uint64_t, std::string> failed_;
  std::vector<std::pair<std::uint64_t, Trial>> suspects_;
  std::vector<std::pair<std::uint64_t, Trial>> shrinkable_;
};

int live_one(const Wish& wish) {
  const Plan plan = cut(draw_plan(*wish.seed, wish.brokers), wish.cuts);
  fmt::print("{}", to_string(plan));
  if (wish.only_plan) return kExitKept;
  (void)std::fflush(stdout);
  TrialFiles files = wish.files;
  files.keeps_stderr = true;
  const Trial trial = try_out(plan, files);
  fmt::print("\n{}SEED={} HASH={:016x} events={}\n", trial.text, plan.seed, trial.hash, trial.events);
  if (trial.has_failed()) return kExitBroken;
  return trial.answer == Trial::Answer::kept ? kExitKept : kExitUnknown;
}

int run(std::span<char*> words) {
  const auto wish = parse_wish(words);
  if (!wish) {
    fmt::print(stderr, "mq_sim: {}\n", wish.error().message);
    return kExitUsage;
  }
  if (wish->is_answered) return kExitKept;
  if (wish->lists_mutants) {
    for (const Mutant& mutant : kMutants)
      fmt::print("{:<16} {:<8} {}\n", mutant.name, to_string(mutant.found_by), mutant.breaks);
    return kExitKept;
  }
  set_mutant(wish->mutant);
  return wish->seed ? live_one(*wish) : Campaign(*wish).run();
}

}  // namespace
}  // namespace mq::sim

int main(int argc, char** argv) { return mq::sim::run(std::span(argv, static_cast<std::size_t>(argc)).subspan(1)); }

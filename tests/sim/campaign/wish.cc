#include "campaign/wish.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "campaign/shrink.h"

namespace mq::sim {
namespace {

#ifdef MQ_MUTANTS
constexpr bool kHasMutants = true;
#else
constexpr bool kHasMutants = false;
#endif

constexpr const char* kFooter =
    "A life alone is told with its plan and the whole verdict. Of many lives each that fails is told, and one for "
    "each\n"
    "reason is made smaller. Exit status: 0 every promise was kept; 1 one was broken; 2 usage; 3 too many lives did "
    "too\n"
    "little to tell. With --mutant: 0 at the first life that is broken with it and is not without.";

Result<std::set<Fault>> parse_faults(std::string_view text) {
  std::set<Fault> faults;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    MQ_TRY(const Fault fault, parse_fault(text.substr(0, comma)));
    faults.insert(fault);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return faults;
}

Result<std::size_t> parse_mutant(std::string_view name) {
  if (!kHasMutants)
    return fail(Errc::unsupported, "there are no mutants in this build; configure it with -DMQ_MUTANTS=ON");
  const auto found = std::ranges::find(kMutants, name, &Mutant::name);
  if (found != kMutants.end()) return static_cast<std::size_t>(found - kMutants.begin());
  return fail(Errc::invalid_argument, "no mutant \"{}\"; mq_sim --list-mutants names them all", name);
}

/// Better told now than after an hour of lives.
Result<void> check_writable(const std::string& name) {
  if (name.empty()) return {};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(name.c_str(), "a"), std::fclose);
  if (file == nullptr) return fail(Errc::invalid_argument, "{} cannot be written", name);
  return {};
}

/// A value that `parse` reads into `into`; what is wrong with it is told with the name of its option.
template <class Into, class Parse>
CLI::Option* add_parsed(CLI::App& app, const char* name, Into& into, const Parse& parse, const char* help) {
  return app.add_option_function<std::string>(
      name,
      [&into, parse, name](const std::string& text) {
        auto value = parse(text);
        if (!value) throw CLI::ValidationError(name, value.error().message);
        into = *std::move(value);
      },
      help);
}

}  // namespace

Result<Wish> parse_wish(std::span<char*> words) {
  Wish wish;
  wish.jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  CLI::App app("Draws whole lives of brokers and their clients from seeds, and has them judged.", "mq_sim");
  app.set_help_flag("-h,--help", "this text");
  app.footer(kFooter);
  const auto seed = [&](const char* name, std::optional<std::uint64_t>& into, const char* help) {
    return app.add_option_function<std::uint64_t>(
                  name, [&into](std::uint64_t number) { into = number; }, help)
        ->type_name("SEED");
  };
  auto* which = app.add_option_group("which lives");
  which->require_option(1);
  CLI::Option* one = seed("--seed", wish.seed, "lives one life");
  CLI::Option* many = app.add_option("--seeds", wish.count, "lives so many, of seeds that nobody had before")
                          ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}))
                          ->type_name("COUNT");
  which->add_options(one, many);
  which->add_options(app.add_flag("--list-mutants", wish.lists_mutants,
                                  "says which faults may be put in on purpose, and what each breaks"));
  seed("--from", wish.from, "the first of --seeds")->needs(many);
  app.add_option("--brokers", wish.brokers, "1 to 5; 1 when not given")->check(CLI::Range(1, 5))->type_name("N");
  app.add_option("--jobs", wish.jobs, "so many lives at once; as many as there are cores when not given")
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  app.add_option("--twice", wish.twice_percent,
                 "of the lives are lived twice and have to be the same; 5 when not given")
      ->check(CLI::Range(0, 100))
      ->type_name("PERCENT")
      ->needs(many);
  add_parsed(app, "--mutant", wish.mutant, parse_mutant, "puts a fault in")->type_name("NAME");
  add_parsed(app, "--without", wish.cuts.without_faults, parse_faults, "none of these faults")->type_name("FAULT,...");
  add_parsed(app, "--without-events", wish.cuts.without_events, parse_numbers, "these faults of the plan do not happen")
      ->type_name("N,N-N...");
  add_parsed(app, "--without-clients", wish.cuts.without_clients, parse_numbers, "these clients of it do not come")
      ->type_name("N,N-N...");
  add_parsed(app, "--open-seeds", wish.open_seeds, parse_numbers,
             "are known to fail: they are told, and it is an error when they do not")
      ->type_name("N,N-N...")
      ->needs(many);
  bool is_told_whole = false;
  app.add_flag("--no-shrink", is_told_whole, "a life that fails is not made smaller")->needs(many);
  app.add_flag("--plan", wish.only_plan, "only says what would be lived")->needs(one);
  app.add_option("--history", wish.files.history, "gets what the clients did")->type_name("FILE")->needs(one);
  app.add_option("--log", wish.files.log, "gets what the brokers logged")->type_name("FILE")->needs(one);
  app.add_option("--marks", wish.marks, "gets how often each rare place was reached")->type_name("FILE")->needs(many);
  app.add_option("--marks-also", wish.marks_also, "what --marks of another run got counts as reached, too")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->needs(many);
  app.add_option("--marks-at-least", wish.marks_percent_min,
                 "that so many of them were reached is a promise, too; says which were not")
      ->check(CLI::Range(0, 100))
      ->type_name("PERCENT")
      ->needs(many);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    wish.is_answered = true;
    return wish;
  } catch (const CLI::ParseError& error) {
    return fail(Errc::invalid_argument, "{}; mq_sim --help tells all options", error.what());
  }
  wish.shrinks = !is_told_whole;
  // Whether a life is the same twice is no question of mutants.
  if (wish.mutant != kNoMutant) wish.twice_percent = 0;
  for (const std::string& name : {wish.files.history, wish.files.log, wish.marks}) MQ_CHECK(check_writable(name));
  return wish;
}

}  // namespace mq::sim

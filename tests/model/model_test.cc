#include <gtest/gtest.h>

#include <string>

#include "base/mutant.h"
#include "model/small_model.h"

namespace mq::small {
namespace {

/// Of each scope, for a few seconds without optimisation; `mq_small_model` sees more.
constexpr std::size_t kStates = 20'000;

std::string lines_of(const Findings& findings) {
  std::string text = name_of(findings.breach);
  for (const std::string& line : findings.trace) text += "\n" + line;
  return text;
}

TEST(Model, WhatIsCommittedIsNeverLostAndNeverTwoRecords) {
  for (const Scope& scope : all_scopes(kStates)) {
    const Findings findings = explore(scope);
    EXPECT_EQ(findings.breach, Breach::none) << scope.name << ": " << lines_of(findings);
    EXPECT_TRUE(findings.is_whole || findings.states >= kStates) << scope.name;
    EXPECT_GT(findings.states, 1000u) << scope.name;
  }
}

#ifdef MQ_MUTANTS

/// The first that the scopes have, most of which need few states for it.
Findings first_breach(Breach wanted) {
  Findings findings;
  for (const std::size_t states_max : {100'000, 1'000'000})
    for (const Scope& scope : all_scopes(states_max)) {
      findings = explore(scope, wanted);
      if (findings.breach != Breach::none) return findings;
    }
  return findings;
}

Findings explore_with(MutantName mutant, Breach wanted = Breach::none) {
  mutant_on = mutant.place();
  const Findings findings = first_breach(wanted);
  mutant_on = kNoMutant;
  return findings;
}

TEST(Mutants, Kip101FirstScenarioALogCutAtTheHighWatermarkLosesWhatIsCommitted) {
  EXPECT_EQ(explore_with("hwtrunc", Breach::lost).breach, Breach::lost);
}

TEST(Mutants, Kip101SecondScenarioAndHasTwoRecordsAtOneOffset) {
  EXPECT_EQ(explore_with("hwtrunc", Breach::diverged).breach, Breach::diverged);
}

TEST(Mutants, Kip279TheEndOfAnotherEpochIsTakenForThatOfTheLast) {
  EXPECT_EQ(explore_with("kip279", Breach::diverged).breach, Breach::diverged);
}

TEST(Mutants, Kip903AMemberIsAddedThatHasRestartedSince) {
  EXPECT_EQ(explore_with("brokerepoch", Breach::lost).breach, Breach::lost);
}

TEST(Mutants, LastReplicaStandingIsElectedThoughItHasLostItsLog) {
  EXPECT_EQ(explore_with("laststanding", Breach::lost).breach, Breach::lost);
}

TEST(Mutants, EveryOtherOneOfTheTableIsFound) {
  for (std::size_t place = 0; place < kMutants.size(); ++place) {
    if (kMutants.at(place).found_by != FoundBy::model) continue;
    mutant_on = place;
    const Findings findings = first_breach(Breach::none);
    mutant_on = kNoMutant;
    EXPECT_NE(findings.breach, Breach::none) << kMutants.at(place).name;
  }
}

#endif

}  // namespace
}  // namespace mq::small

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace mq {

/// A fault put into the program on purpose, to see that simulated lives find it (docs/testing.md).
struct Mutant {
  std::string_view name;
  std::string_view breaks;    ///< the rule that does not hold any more (docs/rules.md), and how
  bool is_for_model = false;  ///< the small model finds it (tests/model), not lives of `mq_sim`
};

/// Each stands in one place of the program, where its rule is kept.
inline constexpr auto kMutants = std::to_array<Mutant>({
    // Disk
    {"fsyncretry", "D-1: a sync that failed is taken for done"},
    {"cachedrecovery", "D-2: recovery believes what an earlier process left in the page cache"},
    {"nodirsync", "D-3: the names of new segments are not synced"},
    {"cleanlie", "D-5: the word of a clean stop stays while the broker writes"},
    {"rpahead", "D-6: the recovery point is ahead of what is synced"},
    {"swaporder", "D-8: what a compaction wrote takes the place of its sources before it is synced"},
    {"ackbeforesync", "H-7: what is written counts as what is on disk"},
    {"readunsynced", "H-1: readers get what is not committed yet"},
    {"tornkept", "R-10: recovery leaves a torn tail where it is"},
    {"synccover", "D-6: what was appended while a sync ran counts as synced"},
    {"newlogunsynced", "D-3: the directories of new logs are not synced"},
    {"deletedback", "A28: DeleteRecords is answered before the start is written"},
    // Compaction
    {"compactnewest", "A27: compaction takes the newest record of a key away"},
    // Idempotence
    {"window4", "P-1: of five batches in flight four are known"},
    {"dupappend", "P-1: a batch that comes again is appended again"},
    {"seqreuse", "P-3: a new epoch is compared with the batches of the one before"},
    {"falsegap", "P-5: a start knows of producers only what the last snapshot had"},
    {"halfstate", "P-8: a batch that could not be written counts as written"},
    {"reorder5", "P-9: a batch is taken although the one before it is missing"},
    {"forgetproducers", "P-7: segments go before what they say of producers is in a snapshot"},
    {"pidreuse", "C-10: producer ids are given out before they are reserved"},
    // Groups
    {"loadearly", "G-1: a coordinator serves before it has loaded"},
    {"commitack1", "G-2: a commit of offsets is answered before it is on disk"},
    {"zombiecommit", "G-2: a commit of an older generation is taken"},
    {"overlap", "G-3: every member gets what the leader got"},
    {"samegeneration", "G-3: a rebalance begins no new generation"},
    {"generationlost", "G-3: a start forgets the generations of groups"},
    {"keptoffsets", "A16: offsets stay when their topic is deleted"},
    // Metadata
    {"sqlitenormal", "C-8: SQLite commits without a sync"},
    // Replicas
    {"hwtrunc", "R-4: a follower cuts its log at its high watermark and nowhere else (KIP-101)", true},
    {"kip279", "R-5: where an epoch ends is answered without saying which epoch (KIP-279)", true},
    {"joinhw", "I-1: who lacks records of earlier epochs joins the ISR", true},
    {"shrinkearly", "H-4: who is to leave the ISR counts no more before the key says so", true},
    {"hwundermin", "H-2: records are committed below the minimum of the ISR", true},
    {"settleread", "C-3: a proposed ISR of unknown outcome counts as one that never takes effect", true},
    // Members and elections
    {"brokerepoch", "I-2: a member that is added is not compared with who fetched (KIP-903)", true},
    {"laststanding", "I-8: who may have lost something stays in ISR and ELR (KIP-966)", true},
    {"isrblind", "I-4: an ISR is written over whatever the partition's key says", true},
    {"sameepoch", "I-6: a new incarnation goes on leading in the epoch of the one before", true},
    {"readyearly", "I-8: who has not yet taken itself out of ISR and ELR is elected", true},
});

/// A name of the table; with any other a call of `is_mutant` does not compile.
class MutantName {
 public:
  // Not explicit: a call looks as if it took a string.
  consteval MutantName(const char* name)
      : place_(static_cast<std::size_t>(std::ranges::find(kMutants, std::string_view(name), &Mutant::name) -
                                        kMutants.begin())) {
    if (place_ == kMutants.size()) throw "no such mutant";
  }
  [[nodiscard]] constexpr std::size_t place() const { return place_; }

 private:
  std::size_t place_;
};

inline constexpr std::size_t kNoMutant = kMutants.size();

/// Whether the program is to have this fault. False in a build without MQ_MUTANTS, at no cost.
#ifdef MQ_MUTANTS
inline constinit std::size_t mutant_on = kNoMutant;  ///< set before anything runs
[[nodiscard]] inline bool is_mutant(MutantName name) { return name.place() == mutant_on; }
#else
[[nodiscard]] constexpr bool is_mutant(MutantName) { return false; }
#endif

}  // namespace mq

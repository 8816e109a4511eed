#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mq {

/// What has to find a mutant.
enum class FoundBy : std::uint8_t {
  lives,    ///< of one broker: `mq_sim`
  cluster,  ///< lives of three brokers: `mq_sim --brokers 3`
  model,    ///< the small model (tests/model)
  test,     ///< the tests of its history (docs/testing.md, "Histories of a cluster")
};

/// A fault put into the program on purpose, to see that tests find it (docs/testing.md).
struct Mutant {
  std::string_view name;
  std::string_view breaks;  ///< the rule that does not hold any more (docs/rules.md), and how
  FoundBy found_by = FoundBy::lives;
};
[[nodiscard]] constexpr std::string_view to_string(FoundBy found_by) {
  constexpr std::array<std::string_view, 4> kWords = {"lives", "cluster", "model", "test"};
  return kWords.at(static_cast<std::size_t>(found_by));
}

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
    {"slotsproof", "D-9: a damaged file of slots proves that a log was never made", FoundBy::test},
    {"samename", "C-9: a log under a name that metadata has for another is in its way", FoundBy::test},
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
    {"settleearly", "C-3: a key that is as it was says that a transaction never takes effect", FoundBy::test},
    {"movedlost", "C-9: a log whose partition was moved away is one that metadata has forgotten", FoundBy::test},
    {"placeblind", "C-2: a topic is placed on brokers that are not compared", FoundBy::test},
    {"orphanrace", "C-2: a creation goes on though it was swept", FoundBy::test},
    {"onebadkey", "C-11: a value that cannot be read takes all topics away", FoundBy::test},
    {"vanished", "F-16: a topic that vanishes without a tombstone counts as deleted", FoundBy::test},
    {"strangestore", "F-16: a member's directory is started without its cluster", FoundBy::test},
    {"factorforgot", "I-15: a topic that was given one replica gets more", FoundBy::test},
    {"minone", "H-2: in a cluster one replica is enough to commit", FoundBy::test},
    {"postagain", "C-3: a transaction that was not answered is sent again as it was", FoundBy::test},
    {"pageslater", "C-4: the pages of a list are of different moments", FoundBy::test},
    {"revonly", "C-6: a store that went back and grew past what was seen is taken for the same", FoundBy::test},
    // Replicas
    {"hwtrunc", "R-4: a follower cuts its log at its high watermark and nowhere else (KIP-101)", FoundBy::model},
    {"kip279", "R-5: where an epoch ends is answered without saying which epoch (KIP-279)", FoundBy::model},
    {"joinhw", "I-1: who lacks records of earlier epochs joins the ISR", FoundBy::model},
    {"shrinkearly", "H-4: who is to leave the ISR counts no more before the key says so", FoundBy::model},
    {"hwundermin", "H-2: records are committed below the minimum of the ISR", FoundBy::model},
    {"settleread", "C-3: a proposed ISR of unknown outcome counts as one that never takes effect", FoundBy::model},
    {"elrmin", "H-2: records are committed while somebody outside the ISR may still be elected", FoundBy::model},
    {"latestearly", "H-6: a leader tells an end before it knows what was committed before it", FoundBy::model},
    {"fetchclass", "H-7: what a follower has fetched counts as what is on its disk", FoundBy::cluster},
    {"slotearly", "H-7: a slot says ack before all that the log held is on disk", FoundBy::test},
    {"asyncearly", "H-7: what is written counts before the slot says async", FoundBy::test},
    {"trunchw", "R-4: a follower cuts what is committed because its leader lacks it", FoundBy::test},
    {"lostmember", "I-13: who has less than it had acknowledged stays in the ISR", FoundBy::cluster},
    {"anyreplica", "N-20: whoever says that it is a broker moves the ISR", FoundBy::test},
    // Members and elections
    {"brokerepoch", "I-2: a member that is added is not compared with who fetched (KIP-903)", FoundBy::model},
    {"laststanding", "I-8: who may have lost something stays in ISR and ELR (KIP-966)", FoundBy::model},
    {"isrblind", "I-4: an ISR is written over whatever the partition's key says", FoundBy::model},
    {"sameepoch", "I-6: a new incarnation goes on leading in the epoch of the one before", FoundBy::model},
    {"readyearly", "I-8: who has not yet taken itself out of ISR and ELR is elected", FoundBy::model},
    {"deadleader", "I-4: a leader changes its ISR though its incarnation is over", FoundBy::test},
    {"electblind", "C-2: an election does not compare whom it names, nor who is gone", FoundBy::test},
    {"leaseonly", "C-2: what a controller does rests on its having had the lease once", FoundBy::test},
    {"sameregistration", "I-9: who registers anew has the broker epoch of the one before", FoundBy::cluster},
    {"bootearly", "I-8: what a start has found is forgotten before anybody was told", FoundBy::test},
    {"asynckept", "I-8: an mq.flush=async log counts as whole when recovery cut nothing", FoundBy::cluster},
    {"classnow", "I-8: what an unclean stop may have lost is judged by the setting of today", FoundBy::test},
    {"firstleads", "I-6: of several the first leads, whoever has most", FoundBy::test},
    {"onlyleaves", "I-8: the only replica leaves the ISR, too", FoundBy::test},
    {"nobodyleft", "I-6: where everybody may have lost something nobody leads any more", FoundBy::cluster},
    {"lastearly", "I-6: of those who were in sync last the first that is ready leads", FoundBy::test},
    {"dirback", "I-9: a directory that is a copy, or of an earlier time, is its broker all the same", FoundBy::test},
    {"anydirectory", "I-9: an id is given to whichever directory asks for it", FoundBy::test},
    {"adoptside", "C-12: a directory belongs to a cluster only when that has what was its own already", FoundBy::test},
    {"adoptrevision", "C-6: what was remembered of one store counts for another", FoundBy::test},
    {"adoptguard", "C-2: what a start that was cut off has sent counts for the one that goes on", FoundBy::test},
    {"diskcounts", "I-17: a new disk counts for what was on the one before", FoundBy::test},
    {"disklast", "I-17: who has lost everything is one of those that were in sync last", FoundBy::test},
    {"idtaken", "I-9: of two that take one id at once the second does not start", FoundBy::test},
    {"stopguess", "I-14: who stops by itself is taken for dead", FoundBy::test},
    {"guessagain", "I-14: who was wrongly taken for gone once is guessed to be again", FoundBy::test},
    {"trusteyes", "I-14: who sees all others gone at once believes it", FoundBy::test},
    {"asknobody", "I-6: candidates are not asked for their logs", FoundBy::test},
    {"sparenone", "I-14: a new controller takes for dead whoever has no session yet", FoundBy::test},
    {"sessiononly", "I-14: a broker whose key was erased looks at its session only", FoundBy::test},
    {"gonestays", "I-3: who is gone stays in the ISR until it lags", FoundBy::test},
    {"addedcounts", "H-2: replicas that are being added count for the minimum", FoundBy::test},
    {"noremovalepoch", "I-10: a replica is removed in the epoch in which it fetched", FoundBy::test},
    {"ledalone", "I-16: a leader that hears neither the store nor its followers serves on without end", FoundBy::test},
    {"batchagain", "I-4: a batch of ISRs that conflicts is sent again as it was", FoundBy::test},
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

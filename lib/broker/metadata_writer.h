#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "broker/all_shards.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/plan.h"
#include "env/async.h"
#include "env/lock.h"
#include "log/synced_ends.h"
#include "meta/metadata_store.h"

namespace mq::broker {

/// Changes the cluster's metadata: carries out plans, one transaction at a time, and follows what they change. Whoever
/// changes something plans on `image`, commits the plan, and installs what came of it: then every shard knows it.
///
/// A plan compares all that it relied on. When somebody else has changed it meanwhile, `image` is what he left, and the
/// plan has to be made again.
///
/// The revision of the newest change is remembered outside of the store, so that a start notices when the store has
/// gone back in time. On the first shard.
class MetadataWriter {
 public:
  MetadataWriter(NodeContext& node, AllShards& shards);

  // --- At a start, in this order ------------------------------------------------------------------------------------
  void use(std::unique_ptr<meta::MetadataStore> store);
  /// Carries out a plan that moves a store of an earlier format, if it is one. `known` is what the store has, if it was
  /// read already; after a move it is read again. Errors as ClusterImage::of_listing, and of the store.
  awaitable<Result<void>> begin(controller::Plan migration, ImagePtr known = nullptr);
  /// Each change is remembered from now on. The data directory may be written to.
  void remember_revisions();
  /// Metadata that has gone back is being accepted: until `end_acceptance` a start must find that it was, durably.
  awaitable<Result<void>> begin_acceptance();
  awaitable<Result<void>> end_acceptance();

  /// The store is not the one that this broker knew: nothing is changed in it before `begin`. `image` is what the
  /// shards may see meanwhile.
  void hold(ImagePtr image, std::string why);

  [[nodiscard]] meta::MetadataStore& store() const { return *store_; }
  /// Why the store is not followed: it has gone back in time, or lacks what nobody has erased. Nothing: it is.
  [[nodiscard]] const std::optional<std::string>& why_not_followed() const { return wrong_; }
  /// The newest that is known, whether the shards have it or not. Take a copy of the pointer before suspending.
  [[nodiscard]] const ImagePtr& image() const { return image_; }

  /// One change of topics at a time, from its plan until this broker's logs are as it says.
  [[nodiscard]] awaitable<env::Lock::Held> lock_topics() { return topics_.take(); }

  enum class Room {
    as_anybody,
    may_spend_reserve  ///< it frees space: on a full disk it may have what is kept for that
  };
  /// Carries out a plan; `image` has what it changed on return. conflict: the plan was made on an image that is too
  /// old, `image` is a newer one now. closed: the broker is stopping. unreachable, timed_out: whether it took effect is
  /// open. After any error what was done of it is in `image`.
  awaitable<Result<void>> commit(controller::Plan plan, Room room = Room::as_anybody);
  /// Plans with `make` (a Result<Plan> of an image) and commits, again where the image was too old.
  template <class Make>
  awaitable<Result<void>> change(Make make, Room room = Room::as_anybody) {
    for (int tries = 1;; ++tries) {
      Result<controller::Plan> plan = make(*image_);
      if (!plan) co_return std::unexpected(std::move(plan).error());
      auto done = co_await commit(*std::move(plan), room);
      if (done || !may_try_again(done.error(), tries)) co_return done;
    }
  }
  /// Whether a plan that failed so, for the `tries`-th time, is to be made again.
  [[nodiscard]] static bool may_try_again(const Error& error, int tries) {
    return error.code == Errc::conflict && tries < kTriesMax;
  }

  /// Gives `image` to every shard.
  awaitable<void> install();
  /// Whether it was given to them, or is about to be.
  [[nodiscard]] bool is_installed() const { return installed_ == image_; }

  /// Brings `image` to where the store stands, should somebody else have changed something.
  awaitable<Result<void>> follow_others();
  /// Topics that were changed by others, or by a transaction of ours that took effect when nobody waited for it any
  /// more, since this was asked last: as they were before; null for what was not there.
  [[nodiscard]] std::map<Uuid, cluster::TopicPtr> take_changed() { return std::exchange(changed_, {}); }
  [[nodiscard]] bool has_changed() const { return !changed_.empty(); }
  /// The topic's logs here are not yet as `image` says.
  void note_changed(const Uuid& topic) { changed_.try_emplace(topic); }
  /// `image` is that of a store that was accepted in the stead of the one before: once.
  [[nodiscard]] bool take_acceptance() { return std::exchange(is_acceptance_new_, false); }
  /// What others have changed is remembered, too: soon.
  void remember_others();

 private:
  /// Others win that often only where something goes wrong.
  static constexpr int kTriesMax = 10;

  /// Commits one transaction, and follows. Returns where it was committed.
  awaitable<Result<meta::Revision>> transact(meta::Transaction transaction, Room room);
  awaitable<Result<meta::Revision>> send(meta::Transaction transaction, Room room);
  /// Finds out what became of a transaction whose outcome is open.
  awaitable<Result<meta::Revision>> settle(meta::Transaction sent, Error open);
  /// Brings `image` to where the store stands.
  awaitable<Result<void>> catch_up();
  Result<void> follow(const std::vector<meta::Change>& changes, meta::Revision revision);
  /// Of `image`, should `next` not have it any more.
  void note_gone(const cluster::TopicPtr& topic, const cluster::ClusterImage& next);
  /// Of what a transaction of ours did: topics of which this broker has become a replica by it, or is none any more.
  void note_own_replicas(const cluster::ClusterImage& before, const meta::Transaction& transaction);
  void note_changed(const cluster::ClusterImage& before, const cluster::ClusterImage& after,
                    const std::vector<meta::Change>& changes);
  awaitable<Result<void>> read();
  /// The store is not what it was: `image` stays.
  void note_right_store();
  std::unexpected<Error> keep_image(const std::string& why);
  [[nodiscard]] std::unexpected<Error> refuse_change(const Error& why);
  awaitable<void> remember();
  awaitable<Result<void>> remember_durably(log::MetadataMark mark);
  /// Where `image` stands.
  [[nodiscard]] log::MetadataMark mark() const {
    return {.revision = image_->revision().value(), .write_id = write_id_};
  }

  NodeContext& node_;
  AllShards& shards_;
  std::unique_ptr<meta::MetadataStore> store_;
  ImagePtr image_ = std::make_shared<const cluster::ClusterImage>();
  meta::WriteId write_id_{};  ///< of the transaction at the revision of `image`; zero: not known
  ImagePtr installed_;
  std::map<Uuid, cluster::TopicPtr> changed_;
  std::vector<cluster::TopicPtr> gone_;  ///< deleted in `image`, and no shard knows yet
  bool remembers_ = false;
  std::optional<std::string> wrong_;  ///< see `why_not_followed`
  bool is_held_ = false;
  bool is_acceptance_new_ = false;
  env::Lock topics_;
  env::Lock sending_;     ///< one transaction at a time, so that `image` follows them in the order of the store
  env::Lock installing_;  ///< one image at a time: no shard has one before all groups know what is gone in it
};

}  // namespace mq::broker

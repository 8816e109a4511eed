#include "cluster/image_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/values.h"

namespace mq::cluster {

// --- Key by key -----------------------------------------------------------------------------------------------------

void ImageChange::add(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  const ParsedKey parsed = parse_key(key);
  switch (parsed.kind) {
    case KeyKind::cluster:
      return take_cluster(key, value, revision);
    case KeyKind::level:
      return take_level(key, value, revision);
    case KeyKind::adopting:
      return take_adoption(key, value, revision);
    case KeyKind::accepted:
      return take_acceptance(key, value, revision);
    case KeyKind::controller:
      return take_controller(key, value, revision);
    case KeyKind::producer_ids:
      return take_producer_ids(key, value, revision);
    case KeyKind::broker:
      return take(brokers_, parsed.broker, key, value, revision,
                  [&] { return read_broker(key, *value, parsed.broker); });
    case KeyKind::alive:
      return take(sessions_, parsed.broker, key, value, revision, [&] { return read_session(key, *value); });
    case KeyKind::unregistered:
      return take(unregistered_, parsed.broker, key, value, revision, [&] { return read_unregistered(key, *value); });
    case KeyKind::creating:
      return take(creations_, parsed.id, key, value, revision, [&] { return read_creation(key, *value); });
    case KeyKind::tombstone:
      return take(tombstones_, parsed.id, key, value, revision, [&] { return read_tombstone(key, *value); });
    case KeyKind::broker_config:
      return take(broker_configs_, parsed.broker, key, value, revision, [&]() -> Result<BrokerSettings> {
        MQ_TRY(ConfigMap configs, read_broker_config(key, *value));
        return BrokerSettings{.configs = std::move(configs)};
      });
    case KeyKind::topic:
      return take_topic(parsed.name, key, value, revision);
    case KeyKind::partition:
      return take_partition(parsed, key, value, revision);
    case KeyKind::misspelled:
      if (!value) return mend(key);
      return note_defect(key, fmt::format("the metadata store's key \"{}\" is none that mqd writes", key), revision);
    case KeyKind::acquisition:
    case KeyKind::foreign:
      return;
  }
  std::unreachable();
}

template <class K, class V, class Read>
void ImageChange::take(std::map<K, std::optional<V>, std::less<>>& edits, K id, std::string_view key,
                       std::optional<std::string_view> value, Revision revision, Read read) {
  std::optional<V>& edit = edits[id];
  mend(key);
  if (!value) return;
  Result<V> now = read();
  if (!now) return note_defect(key, std::move(now.error().message), revision);
  now->revision = revision;
  edit = *std::move(now);
}

void ImageChange::take_cluster(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  if (!value) return set_error({.code = Errc::corrupt, .message = "the metadata store has lost the cluster's own key"});
  const auto id = read_cluster(key, *value);
  if (!id) return set_error(id.error());
  next_.cluster_id_ = *id;
  next_.cluster_revision_ = revision;
}

void ImageChange::take_level(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  if (!value) return set_error({.code = Errc::corrupt, .message = "the metadata store has lost the cluster's level"});
  const auto level = read_level(key, *value);
  if (!level) return set_error(level.error());
  if (*level > kLevel)
    return set_error(
        {.code = Errc::unsupported,
         .message =
             fmt::format("the cluster's metadata is at level {}, and this mqd knows no more than {}", *level, kLevel)});
  next_.level_ = *level;
  next_.level_revision_ = revision;
}

void ImageChange::take_adoption(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  next_.adoption_.reset();
  mend(key);
  if (!value) return;
  auto adoption = read_adoption(key, *value);
  if (!adoption) return note_defect(key, std::move(adoption.error().message), revision);
  adoption->revision = revision;
  next_.adoption_ = *adoption;
}

void ImageChange::take_acceptance(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  next_.acceptance_.reset();
  mend(key);
  if (!value) return;
  auto acceptance = read_acceptance(key, *value);
  if (!acceptance) return note_defect(key, std::move(acceptance.error().message), revision);
  acceptance->revision = revision;
  next_.acceptance_ = *std::move(acceptance);
}

void ImageChange::take_controller(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  next_.controller_.reset();
  mend(key);
  if (!value) return;
  auto controller = read_controller(key, *value);
  if (!controller) return note_defect(key, std::move(controller.error().message), revision);
  controller->revision = revision;
  next_.controller_ = *controller;
}

void ImageChange::take_producer_ids(std::string_view key, std::optional<std::string_view> value, Revision revision) {
  next_.producer_ids_ = {};
  mend(key);
  if (!value) return;
  const auto first = read_producer_ids(key, *value);
  if (!first) return note_defect(key, first.error().message, revision);
  next_.producer_ids_ = {.next = *first, .revision = revision};
}

void ImageChange::take_topic(std::string_view name, std::string_view key, std::optional<std::string_view> value,
                             Revision revision) {
  ChangedHead& changed = heads_[name];
  changed.is_erased = !value.has_value();
  mend(key);
  if (!value) return;
  auto read = read_topic(key, *value, name);
  if (!read) return note_defect(key, std::move(read.error().message), revision, name);
  read->topic.revision = revision;
  names_by_id_.emplace(read->topic.id, name);
  changed.head = Head{.topic = std::make_shared<const Topic>(std::move(read->topic)), .partitions = read->partitions};
}

void ImageChange::take_partition(const ParsedKey& place, std::string_view key, std::optional<std::string_view> value,
                                 Revision revision) {
  Part& part = parts_[place.id].emplace_back(Part{.index = place.index, .partition = std::nullopt});
  mend(key);
  if (!value) return;
  auto partition = read_partition(key, *value);
  if (!partition) return note_defect(key, std::move(partition.error().message), revision);
  partition->revision = revision;
  part.partition = *std::move(partition);
}

/// Whatever else the image has is served (C-11).
void ImageChange::note_defect(std::string_view key, std::string message, Revision revision, std::string_view topic) {
  if (is_mutant("onebadkey")) set_error({.code = Errc::corrupt, .message = message});
  defects_[std::string(key)] = Defect{.message = std::move(message), .topic = std::string(topic), .revision = revision};
}

void ImageChange::mend(std::string_view key) {
  if (old_.defects_.contains(key)) defects_[std::string(key)] = std::nullopt;
}

void ImageChange::set_error(Error error) {
  if (!error_) error_ = std::move(error);
}

// --- Topic by topic -------------------------------------------------------------------------------------------------

Result<ClusterImage> ImageChange::finish(Revision revision) && {
  for (const auto& [name, withheld] : old_.withheld_) names_by_id_.emplace(withheld.topic->id, name);
  for (auto& [id, parts] : parts_) std::ranges::sort(parts, {}, &Part::index);
  const std::set<Uuid> touched = touched_ids();
  for (const Uuid& id : touched) put_together(id);
  next_.brokers_ = next_.brokers_.with(std::move(brokers_));
  next_.sessions_ = next_.sessions_.with(std::move(sessions_));
  next_.unregistered_ = next_.unregistered_.with(std::move(unregistered_));
  next_.tombstones_ = next_.tombstones_.with(std::move(tombstones_));
  next_.creations_ = next_.creations_.with(std::move(creations_));
  next_.broker_configs_ = next_.broker_configs_.with(std::move(broker_configs_));
  next_.by_name_ = next_.by_name_.with(std::move(by_name_));
  next_.by_id_ = next_.by_id_.with(std::move(by_id_));
  next_.withheld_ = next_.withheld_.with(std::move(withheld_));
  next_.loose_ = next_.loose_.with(std::move(loose_));
  next_.defects_ = next_.defects_.with(std::move(defects_));
  next_.revision_ = revision;
  for (const Uuid& id : touched) check_vanished(id);
  if (error_) return std::unexpected(*std::move(error_));
  next_.check_invariants();
  return std::move(next_);
}

std::set<Uuid> ImageChange::touched_ids() {
  std::set<Uuid> ids;
  for (const auto& [id, parts] : parts_) ids.insert(id);
  for (const auto& [name, changed] : heads_) {
    if (changed.head) ids.insert(changed.head->topic->id);
    if (const auto old = old_head_of(name)) ids.insert(old->topic->id);
  }
  return ids;
}

std::optional<ImageChange::Head> ImageChange::old_head_of(std::string_view name) const {
  if (const TopicPtr topic = old_.share_topic(name))
    return Head{.topic = topic, .partitions = topic->partition_count()};
  if (const auto* withheld = old_.withheld_.find(name))
    return Head{.topic = withheld->topic, .partitions = withheld->partitions};
  return std::nullopt;
}

std::optional<ImageChange::Head> ImageChange::head_of(std::string_view name) const {
  const auto changed = heads_.find(name);
  return changed != heads_.end() ? changed->second.head : old_head_of(name);
}

std::set<std::string_view> ImageChange::names_of(const Uuid& id) const {
  std::set<std::string_view> names;
  const auto add_if_current = [&](std::string_view name) {
    if (const auto head = head_of(name); head && head->topic->id == id) names.insert(name);
  };
  if (const Topic* visible = old_.find_topic(id)) add_if_current(visible->name);
  const auto [from, to] = names_by_id_.equal_range(id);
  for (auto at = from; at != to; ++at) add_if_current(at->second);
  return names;
}

void ImageChange::put_together(const Uuid& id) {
  const TopicPtr old = old_.share_topic(id);
  Parts none;
  const auto changed = parts_.find(id);
  Parts& parts = changed != parts_.end() ? changed->second : none;
  std::set<std::string_view> names = names_of(id);

  // Gone unless it is put back: a name may meanwhile belong to another id.
  if (old) {
    by_name_.try_emplace(old->name, std::nullopt);
    by_id_.try_emplace(id, std::nullopt);
    next_.partitions_ -= old->partitions.size();
  }
  const auto [from, to] = names_by_id_.equal_range(id);
  for (auto at = from; at != to; ++at)
    if (old_.withheld_.contains(at->second)) withheld_.try_emplace(std::string(at->second), std::nullopt);

  if (!names.empty()) {
    const std::string_view name = old && names.contains(old->name) ? std::string_view(old->name) : *names.begin();
    const Head head = *head_of(name);
    names.erase(name);
    if (const TopicPtr topic = make_visible(head, old, parts)) {
      show(topic);
    } else {
      scatter(id, old, parts);
      withhold(name, head, why_not_whole(head));
    }
  } else {
    scatter(id, old, parts);
  }
  for (const std::string_view name : names)
    withhold(name, *head_of(name),
             fmt::format("the metadata store's key \"{}\" has the id of another topic", topic_key(name)));
}

/// Null, and nothing is done, when a partition is missing. What the old topic has is shared where it did not change.
TopicPtr ImageChange::make_visible(const Head& head, const TopicPtr& old, Parts& parts) {
  const Uuid& id = head.topic->id;
  const std::int32_t count = head.partitions;
  const std::int32_t before = old ? old->partition_count() : 0;
  const std::int32_t kept = std::min(count, before);
  if (std::ranges::any_of(parts, [&](const Part& part) { return part.index < count && !part.partition; }))
    return nullptr;
  const auto first_added = std::ranges::lower_bound(parts, kept, {}, &Part::index);
  auto part = first_added;
  for (std::int32_t index = kept; index < count; ++index) {
    const bool is_changed = part != parts.end() && part->index == index;
    if (is_changed) ++part;
    if (!is_changed && !old_.loose_.contains(PartitionPlace{id, index})) return nullptr;
  }
  if (kept < before) {  // no plan takes partitions away; what somebody did to the key is followed all the same
    for (std::int32_t index = kept; index < before; ++index)
      loose_[{id, index}] = PartitionPtr(old, &old->partitions[static_cast<std::size_t>(index)]);
  }

  auto topic = std::make_shared<Topic>(*head.topic);
  topic->partitions = old ? old->partitions : PartitionList();
  topic->partitions.resize(static_cast<std::size_t>(kept));
  std::vector<std::pair<std::size_t, Partition>> replaced;
  for (auto at = parts.begin(); at != first_added; ++at)
    replaced.emplace_back(static_cast<std::size_t>(at->index), *std::move(at->partition));
  topic->partitions.replace(std::move(replaced));
  std::vector<Partition> added;
  added.reserve(static_cast<std::size_t>(count - kept));
  part = first_added;
  for (std::int32_t index = kept; index < count; ++index) {
    const PartitionPtr* loose = old_.loose_.find(PartitionPlace{id, index});
    if (part != parts.end() && part->index == index) {
      added.push_back(*std::move(part->partition));
      ++part;
    } else {
      added.push_back(**loose);
    }
    if (loose != nullptr) loose_[{id, index}] = std::nullopt;
  }
  topic->partitions.append(std::move(added));
  for (; part != parts.end(); ++part)
    loose_[{id, part->index}] =
        part->partition ? std::optional(std::make_shared<const Partition>(*std::move(part->partition))) : std::nullopt;
  return topic;
}

/// All its partitions lie loose.
void ImageChange::scatter(const Uuid& id, const TopicPtr& old, Parts& parts) {
  if (old) {
    for (std::int32_t index = 0; index < old->partition_count(); ++index)
      loose_[{id, index}] = PartitionPtr(old, &old->partitions[static_cast<std::size_t>(index)]);
  }
  for (Part& part : parts)
    loose_[{id, part.index}] =
        part.partition ? std::optional(std::make_shared<const Partition>(*std::move(part.partition))) : std::nullopt;
}

void ImageChange::show(const TopicPtr& topic) {
  // The key of the map is the name in its value, so the edit's must not be that of another topic.
  by_name_.erase(topic->name);
  by_name_.emplace(topic->name, topic);
  by_id_[topic->id] = topic;
  next_.partitions_ += topic->partitions.size();
  mend(topic_key(topic->name));
}

void ImageChange::withhold(std::string_view name, const Head& head, std::string message) {
  auto bare = std::make_shared<Topic>(*head.topic);
  bare->partitions = {};
  withheld_[std::string(name)] = ClusterImage::Withheld{.topic = bare, .partitions = head.partitions};
  note_defect(topic_key(name), std::move(message), head.topic->revision, name);
}

std::string ImageChange::why_not_whole(const Head& head) const {
  for (std::int32_t index = 0; index < head.partitions; ++index) {
    const auto loose = loose_.find(PartitionPlace{head.topic->id, index});
    const bool is_there =
        loose != loose_.end() ? loose->second.has_value() : old_.loose_.contains(PartitionPlace{head.topic->id, index});
    if (is_there) continue;
    const std::string key = partition_key(head.topic->id, index);
    const auto changed = defects_.find(key);
    const bool is_damaged = changed != defects_.end() ? changed->second.has_value() : old_.defects_.contains(key);
    return fmt::format("the metadata store {} the key \"{}\" of topic {}", is_damaged ? "cannot give" : "lacks", key,
                       head.topic->name);
  }
  std::unreachable();
}

/// Nobody takes a topic away without a tombstone (F-16). A key that is there and cannot be read is another matter.
void ImageChange::check_vanished(const Uuid& id) {
  const auto is_known = [&](const Uuid& topic) {
    return next_.by_id_.contains(topic) || !names_of(topic).empty() || next_.tombstones_.contains(topic) ||
           buried_.contains(topic);
  };
  if (is_known(id) || is_mutant("vanished")) return;
  for (const auto& [name, changed] : heads_) {
    const auto old = old_head_of(name);
    const bool is_gone = changed.is_erased || changed.head;
    if (old && old->topic->id == id && is_gone)
      set_error({.code = Errc::corrupt,
                 .message = fmt::format("topic {} is gone from the metadata store without a tombstone", name)});
  }
}

// --- The two ways to use it -----------------------------------------------------------------------------------------

Result<ClusterImage> ClusterImage::of_listing(std::span<const KeyValue> entries, Revision revision) {
  const ClusterImage none;
  ImageChange change(none);
  for (const KeyValue& entry : entries) change.add(entry.key, entry.value, entry.modified);
  return std::move(change).finish(revision);
}

Result<ClusterImage> ClusterImage::apply(std::span<const Change> changes, Revision revision) const {
  ImageChange change(*this);
  std::map<std::string_view, const Change*> last;
  Revision newest = std::max(revision_, revision);
  for (const Change& each : changes) {
    const Revision at = each.entry.modified;
    if (at <= revision_) continue;
    newest = std::max(newest, at);
    const Change*& known = last[each.entry.key];
    if (known == nullptr || known->entry.modified <= at) known = &each;
    if (const ParsedKey key = parse_key(each.entry.key); key.kind == KeyKind::tombstone && !each.is_erased)
      change.note_tombstone(key.id);
  }
  for (const auto& [key, each] : last)
    change.add(key, each->is_erased ? std::nullopt : std::optional<std::string_view>(each->entry.value),
               each->entry.modified);
  return std::move(change).finish(newest);
}

}  // namespace mq::cluster

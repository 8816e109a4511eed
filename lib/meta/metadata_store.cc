#include "meta/metadata_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mq::meta {

void PageFill::add(const KeyValue& entry) {
  ++entries_;
  bytes_ += entry.key.size() + entry.value.size();
}

awaitable<Result<Listing>> list_all(MetadataStore& store, std::string prefix) {
  Listing all;
  std::optional<NextPage> next;
  while (true) {
    MQ_CO_TRY(std::optional<Listing> page, co_await store.list(prefix, next));
    if (!page) {
      all = {};
      next.reset();
      continue;
    }
    all.revision = page->revision;
    std::ranges::move(page->entries, std::back_inserter(all.entries));
    next = std::move(page->next);
    if (!next) co_return all;
  }
}

}  // namespace mq::meta

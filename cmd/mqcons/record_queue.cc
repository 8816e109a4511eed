#include "record_queue.h"

#include <utility>

namespace mq::mqcons {

void RecordQueue::push(client::FetchedBatch batch) {
  bytes_ += batch.bytes.size();
  waiting_.push_back(std::move(batch));
}

Result<const record::RecordView*> RecordQueue::front() {
  while (!has_record_) {
    if (open_) {
      MQ_TRY(const bool more, reader_.next(record_));
      has_record_ = more && record_.offset >= open_->first_offset;
      if (more) continue;
      bytes_ -= open_->bytes.size();
      open_.reset();
    }
    if (waiting_.empty()) return nullptr;
    open_ = std::move(waiting_.front());
    waiting_.pop_front();
    MQ_CHECK(reader_.open(open_->view()));
  }
  return &record_;
}

}  // namespace mq::mqcons

#include "env/files.h"

namespace mq::env {

Result<std::string> read_whole(Files& files, const std::string& path, std::size_t size_max) {
  MQ_TRY(auto file, files.open(path, OpenMode::read));
  MQ_TRY(const std::uint64_t size, file->size());
  if (size > size_max)
    return fail(Errc::too_large, "{}: {} bytes, more than the {} that this file may have", path, size, size_max);
  std::string contents(size, '\0');
  MQ_TRY(const std::size_t got, file->read_at(0, contents.data(), contents.size()));
  contents.resize(got);
  return contents;
}

Result<void> replace_atomically(Files& files, const std::string& path, BytesView contents) {
  const std::string temporary = path + ".tmp";
  {
    MQ_TRY(auto file, files.open(temporary, OpenMode::create));
    MQ_CHECK(file->truncate(0));
    MQ_CHECK(file->write_at(0, contents));
    MQ_CHECK(file->sync());
  }
  MQ_CHECK(files.rename(temporary, path));
  return files.sync_directory(path.substr(0, path.find_last_of('/')));
}

}  // namespace mq::env

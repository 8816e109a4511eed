#include "options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/letter_case.h"
#include "config/broker_config.h"
#include "config/config_file.h"

namespace mq::mqd {
namespace {

using cli::ValueKind;

constexpr const char* kSystemFile = "/etc/mq/mqd.conf";

cli::Parsed<posix::LogFormat> parse_log_format(std::string_view text) {
  if (text == "json") return posix::LogFormat::json;
  return text == "text" ? posix::LogFormat::text : posix::LogFormat::automatic;
}

constexpr cli::OptionRow kOptions[] = {
    {.short_name = 'D',
     .long_name = "data",
     .value_name = "DIR",
     .fallback_note = "/var/lib/mqd for root, else $XDG_STATE_HOME/mqd",
     .group = "Where",
     .help = "the data directory; made when it is missing, locked while mqd runs",
     .broker_option = "log.dirs"},
    {.short_name = 'l',
     .long_name = "listen",
     .value_name = "ADDR",
     .fallback = "127.0.0.1:9092",
     .group = "Where",
     .help =
         "listen on [NAME://]HOST:PORT or unix:PATH; * is every address, IPv6 stands in brackets as in [::1]:9092, and "
         "port 0 means any free port",
     .repeatable = true,
     .broker_option = "listeners"},
    {.long_name = "advertise",
     .value_name = "HOST[:PORT]",
     .fallback_note = "the address a client connected to",
     .group = "Where",
     .help = "what clients of the first TCP listener are told to connect to; IPv6 stands in brackets",
     .into = cli::into<&Options::advertise>},
    {.long_name = "meta",
     .value_name = "URL",
     .fallback_note = "metadata of its own",
     .group = "Where",
     .help = "be a member of the cluster whose metadata is in etcd://HOST[:PORT][,...][/PREFIX], or likewise in "
             "zookeeper://",
     .broker_option = "mq.meta"},
    {.long_name = "rack",
     .value_name = "NAME",
     .fallback_note = "none",
     .group = "Where",
     .help = "where this broker stands, for clients and for replicas",
     .broker_option = "broker.rack"},
    {.short_name = 'i',
     .long_name = "node-id",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback_note = "1; with --meta the cluster gives one",
     .group = "Where",
     .help = "the id of this broker",
     .number_max = 2147483647,
     .broker_option = "node.id"},
    {.long_name = "cluster-id",
     .value_name = "ID",
     .fallback_note = "from the data, or a new one",
     .group = "Where",
     .help = "refuse data of any other cluster",
     .broker_option = "mq.cluster.id"},
    {.long_name = "accept-store",
     .kind = ValueKind::flag,
     .group = "Where",
     .help = "start once with a metadata.db that has gone back in time: logs that it does not know become *-stray, all "
             "leader epochs rise",
     .into = cli::into<&Options::daemon, &DaemonOptions::node, &broker::NodeConfig::accept_store>},
    {.long_name = "adopt",
     .kind = ValueKind::flag,
     .group = "Where",
     .help = "with --meta: move what a broker that was alone has in its metadata.db into that store, which has to be "
             "empty, and go on as the first member of the cluster",
     .into = cli::into<&Options::daemon, &DaemonOptions::node, &broker::NodeConfig::adopt>},
    {.long_name = "disk-replaced",
     .kind = ValueKind::flag,
     .group = "Where",
     .help =
         "with --meta and --node-id: an empty directory takes over the id of a broker whose own is gone; what others "
         "have is copied from them",
     .into = cli::into<&Options::daemon, &DaemonOptions::node, &broker::NodeConfig::disk_replaced>},
    {.long_name = "partitions",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback = "1",
     .group = "Topics",
     .help = "partitions of a topic whose maker does not say",
     .number_min = 1,
     .number_max = 10000,
     .broker_option = "num.partitions"},
    {.long_name = "auto-create",
     .kind = ValueKind::choice,
     .value_name = "on|off",
     .fallback = "on",
     .choices = "on|off",
     .group = "Topics",
     .help = "make a topic when a client asks for it by name",
     .broker_option = "auto.create.topics.enable"},
    {.long_name = "retention",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback_note = "7d",
     .group = "Topics",
     .help = "keep records so long, where a topic does not say",
     .broker_option = "log.retention.ms"},
    {.long_name = "retention-bytes",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback_note = "no limit",
     .group = "Topics",
     .help = "keep so much of a partition, where a topic does not say",
     .broker_option = "log.retention.bytes"},
    {.long_name = "segment",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback_note = "1G",
     .group = "Topics",
     .help = "begin a new segment file after so much",
     .broker_option = "log.segment.bytes"},
    {.long_name = "flush",
     .kind = ValueKind::choice,
     .value_name = "ack|async",
     .fallback = "ack",
     .choices = "ack|async",
     .group = "Topics",
     .help = "ack answers acks=all when the record is on disk; async leaves that to the kernel, as Kafka does",
     .broker_option = "mq.flush"},
    {.long_name = "max-message",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback_note = "1M",
     .group = "Limits",
     .help = "the largest record batch, where a topic does not say",
     .broker_option = "message.max.bytes"},
    {.long_name = "max-connections",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback = "10000",
     .group = "Limits",
     .help = "refuse connections beyond so many",
     .number_min = 1,
     .number_max = 1000000,
     .broker_option = "max.connections"},
    {.long_name = "threads",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback_note = "one for each core",
     .group = "Limits",
     .help = "shards: threads that serve connections and partitions",
     .number_min = 1,
     .number_max = 256,
     .broker_option = "mq.threads"},
    {.short_name = 'X',
     .value_name = "KEY=VALUE",
     .group = "Settings",
     .help = "set any broker or topic default by its Kafka name",
     .repeatable = true,
     .into = cli::parsed_into<cli::parse_setting, &Options::settings>},
    {.short_name = 'c',
     .long_name = "config",
     .value_name = "FILE",
     .fallback_note = "/etc/mq/mqd.conf when it is there",
     .group = "Settings",
     .help = "read settings, one KEY = VALUE a line",
     .into = cli::into<&Options::config_file>},
    {.long_name = "check-config",
     .kind = ValueKind::flag,
     .group = "Settings",
     .help = "check the settings and leave",
     .into = cli::into<&Options::check_config>},
    {.long_name = "metrics",
     .value_name = "ADDR",
     .fallback_note = "off",
     .group = "Looking at it",
     .help =
         "serve /metrics, /healthz and /readyz over HTTP on HOST:PORT, [IPV6]:PORT or unix:PATH; * is every address",
     .broker_option = "mq.metrics.listen"},
    {.long_name = "log",
     .kind = ValueKind::choice,
     .value_name = "LEVEL",
     .fallback = "info",
     .choices = "debug|info|warn|error",
     .group = "Looking at it",
     .help = "log to standard error from this level on",
     .broker_option = "mq.log.level"},
    {.long_name = "log-format",
     .kind = ValueKind::choice,
     .value_name = "FORMAT",
     .fallback = "auto",
     .choices = "auto|text|json",
     .group = "Looking at it",
     .help = "auto is text, or what the journal wants when it listens",
     .into = cli::parsed_into<parse_log_format, &Options::log_format>},
    {.long_name = "ephemeral",
     .kind = ValueKind::flag,
     .group = "For tests",
     .help = "use a new directory and any free port, and remove the directory at the end; with -- CMD run CMD with "
             "MQ_BROKERS set and exit as it does",
     .operands = {.kind = cli::OperandRelation::Kind::enables, .operand = "CMD"},
     .into = cli::into<&Options::ephemeral>},
    {.long_name = "ready-fd",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "For tests",
     .help = "write MQ_BROKERS=HOST:PORT to descriptor N when clients can connect, and close it",
     .number_min = 1,
     .number_max = 65535,
     .into = cli::into<&Options::daemon, &DaemonOptions::ready_fd>},
};

constexpr std::string_view kUsage[] = {"[OPTION]...", "--ephemeral [OPTION]... -- CMD [ARG]..."};
constexpr cli::Example kExamples[] = {
    {"a broker on 127.0.0.1:9092, no set-up", "mqd"},
    {"a broker for the length of a test", "mqd --ephemeral -- sh -c 'seq 1000 | mqprod t; mqcons t | tail -1'"},
    {"as fast as Kafka's default, as safe as Kafka's default", "mqd --flush async"},
};
constexpr cli::ToolRow kTool{
    .name = "mqd",
    .man_section = 8,
    .summary = "a message log that speaks the Apache Kafka protocol",
    .usage = kUsage,
    .description =
        "mqd keeps partitioned, append-only logs and serves them to any Kafka client. It runs "
        "in the foreground, logs to standard error and needs "
        "no configuration.\n\n"
        "With --flush ack, the default, an acks=all answer means that the record is on disk. "
        "SIGTERM and SIGINT stop it gracefully, a second one at once. It ends with 0 when that "
        "went well, with 1 when the next start has to check the logs. During the start, recovery "
        "included, the first one ends it: there is nothing to lose, and the next start checks "
        "the logs.\n\n"
        "SIGHUP has the configuration file read again. The defaults of topics, the limits of "
        "connections and requests and the log level count from then on; what only a restart "
        "takes over is named in one warning. A file with a mistake changes nothing, and the "
        "log says why. SIGUSR1 has the log tell how much is served.\n\n"
        "With --meta several brokers are one cluster; mq.conf(5) has the whole form of the URL. The "
        "start ends with 3 when the store is not reached for 30 s, and with 6 when the data "
        "directory, the id and the cluster do not belong together.\n\n"
        "With --metrics, /metrics answers in Prometheus' text format, /healthz as soon as "
        "the process runs, and /readyz with 200 while requests are served and with "
        "503 before the logs are open, while mqd stops and after its disk failed.\n\n"
        "With systemd's socket activation it listens on the sockets that are passed, instead "
        "of those that its file names.",
    .options = kOptions,
    .examples = kExamples,
    .operands = {.min = 0},
    .connects = false};

/// What clients are told to connect to, on other machines too; port 0 when the text names none.
Result<env::Address> parse_advertised(std::string_view text) {
  MQ_TRY(auto address, env::parse_peer_address(text, 0));
  if (address.is_unix())
    return fail(Errc::invalid_argument, "'{}': clients elsewhere cannot reach a unix socket", text);
  if (address.is_wildcard())
    return fail(Errc::invalid_argument, "'{}' is no address to connect to; name one that clients reach", text);
  if (address.host.find('%') != std::string::npos)
    return fail(Errc::invalid_argument, "'{}': what is behind % means something on this machine only", text);
  return address;
}

/// Has clients of `listener` told what `text`, the value of `option`, says.
Result<void> advertise(std::string_view option, std::string_view text, broker::ListenerConfig& listener) {
  const auto address = parse_advertised(text);
  if (!address) return fail(address.error().code, "{} {}", option, address.error().message);
  listener.advertised_host = address->host;
  listener.advertised_port = address->port;
  return {};
}

/// The NAME of `NAME://ADDRESS`, which is removed from `text`; the name that listeners have by default when it has
/// none.
std::string take_listener_name(std::string_view& text) {
  const auto slashes = text.find("://");
  if (slashes == std::string_view::npos) return broker::ListenerConfig{}.name;
  std::string name(text.substr(0, slashes));
  text.remove_prefix(slashes + 3);
  return name;
}

/// What `source`, the value of mq.meta.password, stands for.
Result<std::string> read_password(std::string_view source, const cli::Environment& environment) {
  const auto kind = source.substr(0, source.find(':') + 1);
  std::string path(source.substr(kind.size()));
  if ((kind != "file:" && kind != "cred:") || path.empty())
    return fail(
        Errc::invalid_argument,
        "mq.meta.password: a password in the settings is seen by all; write it to a file, and say file:PATH, or "
        "cred:NAME for a credential of systemd");
  if (kind == "cred:") {
    const auto credentials = environment.variables.find("CREDENTIALS_DIRECTORY");
    if (credentials == environment.variables.end() || path.find('/') != std::string::npos)
      return fail(Errc::invalid_argument, "mq.meta.password = {}: systemd passes no such credential", source);
    path = credentials->second + "/" + path;
  }
  auto text = environment.read_file(path);
  if (!text) return fail(Errc::invalid_argument, "mq.meta.password: {}", text.error().message);
  std::string password = *std::move(text);
  if (password.ends_with('\n')) password.pop_back();
  if (password.empty()) return fail(Errc::invalid_argument, "mq.meta.password: {} is empty", path);
  return password;
}

/// The value of an option that stands for one of the broker, as that one is written.
std::string broker_text(const cli::Arguments& args, const cli::OptionRow& row) {
  switch (row.kind) {
    case cli::ValueKind::number:
      return std::to_string(args.number(row.long_name));
    case cli::ValueKind::size:
      return std::to_string(args.size(row.long_name));
    case cli::ValueKind::duration:
      return std::to_string(args.duration(row.long_name) / 1ms);
    case cli::ValueKind::choice:
      if (row.choices == "on|off") return args.text(row.long_name) == "on" ? "true" : "false";
      return args.text(row.long_name);
    case cli::ValueKind::text:
    case cli::ValueKind::flag:
      return fmt::format("{}", fmt::join(args.texts(row.long_name), ","));
  }
  return "";
}

}  // namespace

const cli::ToolRow& tool() { return kTool; }

bool names_security(std::string_view listener_name) {
  return equal_ignoring_case(listener_name, "SSL") || equal_ignoring_case(listener_name.substr(0, 5), "SASL_");
}

Result<broker::ListenerConfig> parse_listener(std::string_view text) {
  broker::ListenerConfig listener;
  std::string_view address = text;
  listener.name = take_listener_name(address);
  // In Kafka these names mean TLS or a log-in; a listener that has neither must not look as if it had.
  if (names_security(listener.name))
    return fail(Errc::invalid_argument, "listener {}: mqd has no TLS and no SASL yet; PLAINTEXT:// serves in the clear",
                text);
  MQ_TRY(listener.address, env::parse_listen_address(address));
  return listener;
}

env::LogLevel log_level(std::string_view name) {
  if (name == "debug") return env::LogLevel::debug;
  if (name == "warn") return env::LogLevel::warn;
  if (name == "error") return env::LogLevel::error;
  return env::LogLevel::info;
}

Options understand(const cli::Arguments& args) {
  Options options;
  args.fill(options);
  options.daemon.command.assign(args.operands().begin(), args.operands().end());
  return options;
}

Result<config::Overrides> settings(const cli::Arguments& args, const Options& options,
                                   const cli::Environment& environment) {
  config::Overrides wanted;
  const std::string file = options.config_file.value_or(kSystemFile);
  auto text = environment.read_file(file);
  if (text) {
    MQ_TRY(wanted, config::parse_config_file(*text, file, config::broker_options()));
  } else if (options.config_file || text.error().code != Errc::not_found) {
    return std::unexpected(text.error());
  }
  for (const auto& [name, value] : options.settings) wanted[name] = value;
  if (args.flag("quiet")) wanted["mq.log.level"] = "warn";
  if (args.flag("verbose")) wanted["mq.log.level"] = "debug";
  for (const cli::OptionRow& row : kOptions)
    if (!row.broker_option.empty() && args.given(row.long_name))
      wanted[std::string(row.broker_option)] = broker_text(args, row);
  config::add_member_defaults(wanted);
  return wanted;
}

Result<std::optional<SharedStore>> shared_store(const config::Overrides& settings,
                                                const cli::Environment& environment) {
  MQ_TRY(const config::BrokerConfig broker, config::resolve_broker_config(settings));
  if (broker.meta.empty()) return std::nullopt;
  SharedStore store;
  MQ_TRY(store.url, meta::parse_store_url(broker.meta));
  if (store.url.user.empty() != broker.meta_password.empty())
    return fail(Errc::invalid_argument, "{}",
                store.url.user.empty() ? "mq.meta.password is set, but mq.meta names no user"
                                       : "mq.meta names a user: say with mq.meta.password where the password is");
  if (store.url.user.empty()) return store;
  MQ_TRY(store.password, read_password(broker.meta_password, environment));
  return store;
}

Result<broker::NodeConfig> node_config(const Options& options, const config::Overrides& settings,
                                       const std::string& default_data_dir) {
  broker::NodeConfig config = options.daemon.node;
  MQ_CHECK(broker::apply_options(settings, config));
  MQ_TRY(const config::BrokerConfig broker, config::resolve_broker_config(settings));
  if (broker.log_dirs.size() > 1)
    return fail(Errc::invalid_argument, "log.dirs names {} directories; mqd keeps its data in one",
                broker.log_dirs.size());
  config.data_dir = broker.log_dirs.empty() ? default_data_dir : broker.log_dirs.front();
  config.node_id = broker.meta.empty() || settings.contains("node.id") ? BrokerId{broker.node_id} : kNoBroker;
  if (!broker.meta.empty() && config.accept_store)
    return fail(Errc::invalid_argument, "--accept-store is about metadata.db, which a member of a cluster has not");
  if (broker.meta.empty() && config.adopt)
    return fail(Errc::invalid_argument,
                "--adopt moves metadata.db into the store of a cluster: say with --meta where "
                "that is");
  if (config.disk_replaced && (broker.meta.empty() || config.node_id == kNoBroker))
    return fail(Errc::invalid_argument,
                "--disk-replaced: say with --meta which cluster it is, and with --node-id whose "
                "disk is gone");
  if (config.disk_replaced && config.adopt)
    return fail(Errc::invalid_argument, "--adopt is for a directory with data, and --disk-replaced for an empty one");
  config.cluster_id = broker.cluster_id;
  for (const std::string& text : broker.listeners) {
    MQ_TRY(auto listener, parse_listener(text));
    config.listeners.push_back(std::move(listener));
  }
  for (const std::string& text : broker.advertised_listeners) {
    std::string_view address = text;
    const std::string name = take_listener_name(address);
    const auto listener = std::ranges::find_if(
        config.listeners, [&](const auto& each) { return each.name == name && !each.address.is_unix(); });
    if (listener == config.listeners.end())
      return fail(Errc::invalid_argument, "advertised.listeners: '{}' is the address of no TCP listener", text);
    MQ_CHECK(advertise("advertised.listeners", address, *listener));
  }
  if (options.advertise) {
    const std::string& text = *options.advertise;
    const auto listener =
        std::ranges::find_if(config.listeners, [](const auto& each) { return !each.address.is_unix(); });
    if (listener == config.listeners.end())
      return fail(Errc::invalid_argument, "--advertise {}: there is no TCP listener whose clients could be told", text);
    MQ_CHECK(advertise("--advertise", text, *listener));
  }
  return config;
}

}  // namespace mq::mqd

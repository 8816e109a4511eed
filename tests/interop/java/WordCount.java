// Run by streams.sh: Kafka Streams counts words, in two instances of which one leaves, and once more with nothing but the
// changelog. Its state is in memory, so what a restart knows comes from the broker.
import java.time.Duration;
import java.util.*;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.*;

public class WordCount {
  static final int LINES = 1000;
  static String brokers;
  static String stateFolder;

  static void until(String what, int seconds, BooleanSupplier holds) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > end) fail("not within its time: " + what);
      Thread.sleep(20);
    }
  }

  static void fail(String what) {
    System.out.println("FAILED: " + what);
    Runtime.getRuntime().halt(1);
  }

  static KafkaStreams instance(String application, String name, String guarantee) {
    Properties config = new Properties();
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    config.put(StreamsConfig.STATE_DIR_CONFIG, stateFolder + "/" + name);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    config.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 1);
    config.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG, BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
    config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    config.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 300);
    config.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6000);  // members of Streams say no farewell

    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, String> words = builder.<String, String>stream("lines").flatMapValues(line -> List.of(line.split(" ")));
    KGroupedStream<String, String> grouped = words.groupBy((key, word) -> word, Grouped.as("by-word"));
    grouped.count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts")).toStream().to("words", Produced.with(Serdes.String(), Serdes.Long()));
    grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMinutes(5))).count(Materialized.as("windows"));
    return new KafkaStreams(builder.build(), config);
  }

  static KafkaStreams started(String name) throws Exception {
    KafkaStreams streams = instance("count", name, StreamsConfig.AT_LEAST_ONCE);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      fail("an exception in Streams");
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    return streams;
  }

  static long activeTasks(KafkaStreams streams) {
    return streams.metadataForLocalThreads().stream().mapToLong(thread -> thread.activeTasks().size()).sum();
  }

  static void send(Producer<String, String> producer) {
    for (int i = 0; i < LINES; ++i) producer.send(new ProducerRecord<>("lines", "" + i, "every line again w" + i % 10));
    producer.flush();
  }

  static void expect(Consumer<String, Long> words, Map<String, Long> counts, long lines) throws Exception {
    until("the counts of " + lines + " lines", 40, () -> {
      for (ConsumerRecord<String, Long> record : words.poll(Duration.ofMillis(50))) counts.put(record.key(), record.value());
      return counts.getOrDefault("every", 0L) == lines && counts.getOrDefault("w3", 0L) == lines / 10;
    });
  }

  static String config(Admin admin, String topic, String name) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name).value();
  }

  static void same(String wanted, String found) {
    if (!wanted.equals(found)) fail("wanted " + wanted + ", found " + found);
  }

  public static void main(String[] arguments) throws Exception {
    brokers = arguments[0];
    stateFolder = arguments[1];
    Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", brokers));
    admin.createTopics(List.of(new NewTopic("lines", 3, (short) 1), new NewTopic("words", 1, (short) 1))).all().get();
    Producer<String, String> producer = new KafkaProducer<>(Map.of("bootstrap.servers", brokers), new StringSerializer(), new StringSerializer());
    Consumer<String, Long> words = new KafkaConsumer<>(Map.of("bootstrap.servers", brokers), new StringDeserializer(), new LongDeserializer());
    words.assign(List.of(new org.apache.kafka.common.TopicPartition("words", 0)));
    words.seekToBeginning(words.assignment());
    Map<String, Long> counts = new TreeMap<>();

    KafkaStreams first = started("first");
    send(producer);
    expect(words, counts, LINES);
    KafkaStreams second = started("second");
    until("both have work", 40, () -> activeTasks(first) > 0 && activeTasks(second) > 0);
    send(producer);
    expect(words, counts, 2 * LINES);
    System.out.println("two instances: ok");

    first.close();
    second.close();
    KafkaStreams third = started("third");
    send(producer);
    expect(words, counts, 3 * LINES);
    third.close();
    System.out.println("restored from the changelog: ok");

    same("compact", config(admin, "count-counts-changelog", "cleanup.policy"));
    same("compact,delete", config(admin, "count-windows-changelog", "cleanup.policy"));
    same("delete", config(admin, "count-by-word-repartition", "cleanup.policy"));
    same("-1", config(admin, "count-by-word-repartition", "retention.ms"));
    same("3", "" + admin.describeTopics(List.of("count-counts-changelog")).allTopicNames().get().get("count-counts-changelog").partitions().size());
    System.out.println("internal topics: ok");

    // Exactly once needs transactions: the refusal ends it at once and says what it is.
    KafkaStreams exactly = instance("exactly", "exactly", StreamsConfig.EXACTLY_ONCE_V2);
    List<String> causes = Collections.synchronizedList(new ArrayList<>());
    exactly.setUncaughtExceptionHandler(error -> {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) causes.add(cause.getClass().getSimpleName());
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    exactly.start();
    until("exactly once is refused", 40, () -> causes.contains(TransactionalIdAuthorizationException.class.getSimpleName()));
    System.out.println("exactly once is refused: ok");
    Runtime.getRuntime().halt(0);
  }
}

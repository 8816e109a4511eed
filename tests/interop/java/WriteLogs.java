import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Has a Kafka broker write one log of each kind that its file format knows: every codec, null and empty keys, values and
 * headers, transactions that end either way, times of the broker, a compacted log, committed offsets.
 *
 * Usage: java -cp JARS WriteLogs.java HOST:PORT
 */
public class WriteLogs {
  private static String servers;

  public static void main(String[] args) throws Exception {
    servers = args[0];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
        create(admin, "codec-" + codec, Map.of("segment.bytes", "1048576"));
        writeCodec(codec);
      }
      create(admin, "stamped", Map.of("message.timestamp.type", "LogAppendTime"));
      writePlain("stamped", 50, 1);
      create(admin, "transactions", Map.of());
      writeTransactions();
      create(admin, "compacted", Map.of("cleanup.policy", "compact", "segment.ms", "1000", "delete.retention.ms", "60000",
          "min.cleanable.dirty.ratio", "0.01", "max.compaction.lag.ms", "1000"));
      writePlain("compacted", 600, 20);
      writeTombstones("compacted", 5);
      commitOffsets();
    }
  }

  private static void create(Admin admin, String name, Map<String, String> configs)
      throws InterruptedException, ExecutionException {
    admin.createTopics(List.of(new NewTopic(name, 1, (short) 1).configs(configs))).all().get();
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, String> more) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    properties.put("linger.ms", "20");
    properties.putAll(more);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private static ProducerRecord<byte[], byte[]> record(String topic, String key, String value) {
    return new ProducerRecord<>(topic, 0, null, bytes(key), bytes(value));
  }

  /** More than one segment of it, in batches of many sizes. */
  private static void writeCodec(String codec) {
    String words = "the same words again and again ".repeat(8);
    java.util.Random random = new java.util.Random(7);
    try (var producer = producer(Map.of("compression.type", codec, "batch.size", "30000"))) {
      for (int i = 0; i < 12000; i++) {
        String key = i % 7 == 0 ? null : i % 7 == 1 ? "" : "key " + i;
        String value = i % 11 == 0 ? null : i % 11 == 1 ? "" : i + " " + Long.toHexString(random.nextLong()).repeat(4) + words;
        var record = record("codec-" + codec, key, value);
        if (i % 5 == 0) record.headers().add(new RecordHeader("h", bytes("v" + i))).add(new RecordHeader("h", null));
        if (i % 13 == 0) record.headers().add(new RecordHeader("", bytes("")));
        producer.send(record);
        if (i % 1000 == 0) producer.flush();
      }
    }
  }

  private static void writePlain(String topic, int count, int keys) {
    try (var producer = producer(Map.of("enable.idempotence", "false", "compression.type", "lz4", "batch.size", "2000"))) {
      for (int i = 0; i < count; i++) producer.send(record(topic, "k" + i % keys, "value " + i));
    }
  }

  private static void writeTombstones(String topic, int keys) {
    try (var producer = producer(Map.of())) {
      for (int i = 0; i < keys; i++) producer.send(record(topic, "k" + i, null));
    }
  }

  private static void writeTransactions() {
    try (var producer = producer(Map.of("transactional.id", "writer", "compression.type", "zstd"))) {
      producer.initTransactions();
      for (int round = 0; round < 6; round++) {
        producer.beginTransaction();
        for (int i = 0; i < 20; i++) producer.send(record("transactions", "r" + round, "of transaction " + round + " " + i));
        producer.flush();
        if (round % 3 == 2) {
          producer.abortTransaction();
        } else {
          producer.sendOffsetsToTransaction(
              Map.of(new TopicPartition("transactions", 0),
                  new org.apache.kafka.clients.consumer.OffsetAndMetadata(20L * round, "round " + round)),
              new org.apache.kafka.clients.consumer.ConsumerGroupMetadata("transactional-readers"));
          producer.commitTransaction();
        }
      }
    }
  }

  private static void commitOffsets() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    properties.put("group.id", "readers");
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(Collections.singletonList("stamped"));
      int read = 0;
      while (read < 50) {
        read += consumer.poll(Duration.ofSeconds(1)).count();
        consumer.commitSync();
      }
    }
  }
}

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends batches of which some records are at fault: the client is told which, and tells the others that they were beside them.
 *
 * Usage: java -cp JARS RecordsAtFault.java HOST:PORT
 */
public class RecordsAtFault {
  private static String servers;

  public static void main(String[] args) throws Exception {
    servers = args[0];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      admin.createTopics(List.of(new NewTopic("keyed", 1, (short) 1).configs(Map.of("cleanup.policy", "compact")),
          new NewTopic("recent", 1, (short) 1).configs(Map.of("message.timestamp.before.max.ms", "60000")))).all().get();
    }
    long now = System.currentTimeMillis();
    List<ProducerRecord<String, String>> records = new ArrayList<>();
    for (String key : new String[] {"a", null, "b", null, "c"}) records.add(new ProducerRecord<>("keyed", 0, key, "v"));
    // Two are named: the client cannot tell their errors apart and calls both invalid.
    expect(records, "others", "InvalidRecordException", "others", "InvalidRecordException", "others");

    records.clear();
    for (long time : new long[] {now, now - 1_000_000, now}) records.add(new ProducerRecord<>("recent", 0, time, "k", "v"));
    expect(records, "others", "InvalidTimestampException", "others");
    System.out.println("records at fault: ok");
  }

  /** Sends `records` in one batch. */
  private static void expect(List<ProducerRecord<String, String>> records, String... outcomes) throws InterruptedException {
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", servers, "linger.ms", "1000"), new StringSerializer(),
        new StringSerializer())) {
      for (var record : records) sent.add(producer.send(record));
    }
    for (int i = 0; i < outcomes.length; i++) {
      String outcome = outcomeOf(sent.get(i));
      if (!outcome.equals(outcomes[i])) throw new AssertionError("record " + i + ": " + outcome + ", not " + outcomes[i]);
    }
  }

  private static String outcomeOf(Future<RecordMetadata> sent) throws InterruptedException {
    try {
      return "at offset " + sent.get().offset();
    } catch (ExecutionException failed) {
      Throwable cause = failed.getCause();
      if (cause instanceof InvalidRecordException || cause instanceof InvalidTimestampException) return cause.getClass().getSimpleName();
      return cause.getMessage().contains("part of a batch") ? "others" : cause.toString();
    }
  }
}

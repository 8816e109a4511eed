import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A producer, a reader and a member of the group in a judged run. The program is told what to do, and says how it went, as
 * judged/confluent.py does; see there.
 *
 * <p>Usage: java -cp JARS:CLASSES JudgedRun FOLDER FIRST-PROCESS PARTITION...
 */
public class JudgedRun {
  private static final String GROUP = "mixed";
  private static final Duration LIMIT = Duration.ofSeconds(60); // of what may be tried again while the broker is away
  private static final Duration TURN = Duration.ofMillis(200);
  private static final byte[] TOO_LARGE = new byte[2_000_000]; // the client refuses it, and sends nothing

  private static final List<TopicPartition> partitions = new ArrayList<>();
  private static Path folder;
  private static AtomicLong processes;
  private static volatile boolean producersEnd;
  private static volatile boolean readersEnd;

  public static void main(String[] args) throws Exception {
    folder = Path.of(args[0]);
    processes = new AtomicLong(Long.parseLong(args[1]));
    for (String name : Arrays.asList(args).subList(2, args.length)) partitions.add(partitionOf(name));

    Thread producer = started(JudgedRun::produce);
    List<Thread> readers = List.of(started(JudgedRun::read), started(JudgedRun::beMember));
    System.out.println("ready");
    BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      String[] words = line.split(" ");
      if (words[0].equals("stop")) {
        producersEnd = true;
        producer.join();
        System.out.println("stopped");
      } else if (words[0].equals("final")) {
        readersEnd = true;
        for (Thread reader : readers) reader.join();
        readFinally(Double.parseDouble(words[1]), Arrays.asList(words).subList(2, words.length));
        System.exit(0);
      }
    }
    System.exit(1); // nobody is there any more
  }

  private interface Part {
    void run() throws Exception;
  }

  /** A part that ends with an exception ends the program. */
  private static Thread started(Part part) {
    Thread thread = new Thread(() -> {
      try {
        part.run();
      } catch (Exception failed) {
        failed.printStackTrace();
        System.exit(1);
      }
    });
    thread.start();
    return thread;
  }

  private static HistoryWriter historyOf(String client) throws IOException {
    long process = processes.getAndIncrement();
    return new HistoryWriter(folder.resolve(client + "-" + process + ".jsonl"), process, client);
  }

  private static TopicPartition partitionOf(String name) {
    int dash = name.lastIndexOf('-');
    return new TopicPartition(name.substring(0, dash), Integer.parseInt(name.substring(dash + 1)));
  }

  private static Map<String, Object> settings(Map<String, Object> more) {
    Map<String, Object> all = new HashMap<>(Map.of("bootstrap.servers", System.getenv("MQ_BROKERS"), "reconnect.backoff.max.ms", 500,
        "retry.backoff.max.ms", 500));
    all.putAll(more);
    return all;
  }

  // ---- bodies: see judged/record.py ----

  private static String checkSum(String text) {
    CRC32 sum = new CRC32();
    sum.update(text.getBytes(StandardCharsets.UTF_8));
    return String.format("%08x", sum.getValue());
  }

  private static byte[] body(TopicPartition partition, long value) {
    String text = partition + " " + value + " " + ".".repeat((int) (value % 180)) + " ";
    return (text + checkSum(text)).getBytes(StandardCharsets.UTF_8);
  }

  private static List<Object> asRead(ConsumerRecord<byte[], byte[]> record) {
    List<Object> said = new ArrayList<>();
    said.add(record.offset());
    String text = record.value() == null ? "" : new String(record.value(), StandardCharsets.UTF_8);
    String[] words = text.split(" ", 3);
    try {
      said.add(Long.parseLong(words.length == 3 && text.length() > 8 ? words[1] : ""));
    } catch (NumberFormatException damaged) {
      said.add(null);
      said.add(Map.of("bad", "no body of ours"));
      return said;
    }
    record.leaderEpoch().ifPresent(said::add);
    int end = text.length() - 8;
    boolean isSound = text.substring(end).equals(checkSum(text.substring(0, end)));
    said.add(isSound ? Map.of("tp", words[0]) : Map.of("tp", words[0], "bad", "check sum"));
    return said;
  }

  // ---- the producer ----

  private static void produce() throws IOException, InterruptedException {
    while (!producersEnd) {
      try (HistoryWriter history = historyOf("java-producer")) {
        produce(history);
      }
    }
  }

  /** Ends when it is told to, or when its library gives up. */
  private static void produce(HistoryWriter history) throws InterruptedException {
    Map<String, Object> settings = settings(Map.of("acks", "all", "enable.idempotence", true, "linger.ms", 5, "compression.type", "zstd",
        "request.timeout.ms", 10000, "delivery.timeout.ms", (int) LIMIT.toMillis()));
    AtomicInteger open = new AtomicInteger();
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int turn = 0; !producersEnd; Thread.sleep(40)) {
        for (int more = open.get() < 500 ? 20 : 0; more > 0; --more) send(producer, history, partitions.get(turn++ % partitions.size()), open);
      }
    } catch (KafkaException failed) {
      System.out.println("fatal " + failed);
      history.crash();
    }
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, HistoryWriter history, TopicPartition partition, AtomicInteger open) {
    long value = history.value();
    var asked = history.invoke("send", "v", List.of(List.of("send", partition.toString(), value)));
    byte[] data = value % 1000 == 999 ? TOO_LARGE : body(partition, value);
    Thread sender = Thread.currentThread();
    open.incrementAndGet();
    producer.send(new ProducerRecord<>(partition.topic(), partition.partition(), null, data), (placed, error) -> {
      open.decrementAndGet();
      if (error == null) {
        history.ok(asked, "v", List.of(List.of("send", partition.toString(), new long[] {placed.offset(), value})));
      } else if (Thread.currentThread() == sender) {
        history.fail(asked, error); // told within `send`: it was not queued
      } else {
        history.info(asked, error); // what was tried before is not told
      }
    });
  }

  // ---- readers ----

  private static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> more) {
    Map<String, Object> all = settings(more);
    all.put("enable.auto.commit", false);
    return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /** What a poll of these partitions gave. */
  private static List<Object> polled(ConsumerRecords<byte[], byte[]> records, Collection<TopicPartition> of) {
    Map<String, Object> seen = new TreeMap<>();
    for (TopicPartition partition : of) seen.put(partition.toString(), List.of());
    for (TopicPartition partition : records.partitions())
      seen.put(partition.toString(), records.records(partition).stream().map(JudgedRun::asRead).toList());
    return List.of(List.of("poll", seen));
  }

  /** Is assigned all partitions from the beginning, and asks now and then where they end. */
  private static class Reader implements AutoCloseable {
    final Map<TopicPartition, Long> next = new HashMap<>();
    private final HistoryWriter history;
    // What throws it out of its position is to be told, not mended.
    private final KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("auto.offset.reset", "none"));

    Reader(String client) throws IOException {
      history = historyOf(client);
      consumer.assign(partitions);
      for (TopicPartition partition : partitions) next.put(partition, 0L);
      seek();
    }

    private void seek() {
      Map<String, Object> positions = new TreeMap<>();
      next.forEach((partition, at) -> positions.put(partition.toString(), at == 0 ? "beginning" : at));
      var asked = history.invoke("assign", "v", positions);
      next.forEach((partition, at) -> {
        if (at == 0) {
          consumer.seekToBeginning(List.of(partition));
        } else {
          consumer.seek(partition, at);
        }
      });
      history.ok(asked);
    }

    void poll() {
      var asked = history.invoke("poll");
      try {
        var records = consumer.poll(TURN);
        for (var record : records) next.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
        history.ok(asked, "v", polled(records, partitions));
      } catch (OffsetOutOfRangeException thrown) {
        history.info(asked, thrown);
        for (TopicPartition partition : thrown.offsetOutOfRangePartitions().keySet()) {
          history.reset(partition.toString(), next.get(partition), 0, thrown);
          next.put(partition, 0L);
        }
        seek();
      } catch (KafkaException failed) {
        history.info(asked, failed); // of a partition that is damaged, say
      }
    }

    void askEnds() {
      var asked = history.invoke("list_offsets");
      try {
        Map<TopicPartition, Long> begins = consumer.beginningOffsets(partitions, LIMIT);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, LIMIT);
        Map<String, Object> told = new TreeMap<>();
        for (TopicPartition partition : partitions) told.put(partition.toString(), new long[] {begins.get(partition), ends.get(partition)});
        history.ok(asked, "v", told);
      } catch (KafkaException failed) {
        history.info(asked, failed);
      }
    }

    @Override
    public void close() throws IOException {
      consumer.close();
      history.close();
    }
  }

  private static void read() throws IOException {
    try (Reader reader = new Reader("java-reader")) {
      for (int turn = 0; !readersEnd; ++turn) {
        reader.poll();
        if (turn % 10 == 0) reader.askEnds();
      }
    }
  }

  // ---- the member ----

  private static class Member implements ConsumerRebalanceListener {
    private final HistoryWriter history;
    private final KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("group.id", GROUP, "auto.offset.reset", "earliest",
        "partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor", "session.timeout.ms", 10000,
        "heartbeat.interval.ms", 300, "default.api.timeout.ms", (int) LIMIT.toMillis()));
    private final Set<String> changed = new TreeSet<>();
    private final Map<TopicPartition, OffsetAndMetadata> uncommitted = new HashMap<>();

    Member(String client) throws IOException {
      history = historyOf(client);
      Set<String> topics = new TreeSet<>();
      for (TopicPartition partition : partitions) topics.add(partition.topic());
      var asked = history.invoke("subscribe", "g", GROUP, "v", topics);
      consumer.subscribe(topics, this);
      history.ok(asked);
    }

    /** The client has joined; it looks up what is committed after this. */
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> given) {
      List<String> names = given.stream().map(TopicPartition::toString).sorted().toList();
      changed.addAll(names);
      var me = consumer.groupMetadata();
      var asked = history.invoke("sync", "g", GROUP, "m", me.memberId(), "gen", me.generationId());
      history.ok(asked, "v", names);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> taken) {
      commit();
      onPartitionsLost(taken);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> taken) {
      for (TopicPartition partition : taken) changed.add(partition.toString());
      uncommitted.clear();
    }

    void poll() {
      var asked = history.invoke("poll", "g", GROUP);
      ConsumerRecords<byte[], byte[]> records;
      try {
        records = consumer.poll(TURN);
      } catch (KafkaException failed) {
        history.info(asked, failed);
        return;
      }
      var me = consumer.groupMetadata();
      history.ok(asked, "m", me.memberId(), "gen", me.generationId(), "reb", changed.isEmpty() ? null : changed, "v",
          polled(records, consumer.assignment()));
      changed.clear();
      for (var record : records) uncommitted.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
    }

    void commit() {
      if (uncommitted.isEmpty()) return;
      Map<String, Object> offsets = new TreeMap<>();
      uncommitted.forEach((partition, next) -> offsets.put(partition.toString(), next.offset()));
      var me = consumer.groupMetadata();
      var asked = history.invoke("commit", "g", GROUP, "m", me.memberId(), "gen", me.generationId(), "v", offsets);
      try {
        consumer.commitSync(uncommitted);
        history.ok(asked);
        uncommitted.clear();
      } catch (KafkaException failed) {
        history.info(asked, failed); // of the last attempt; those before are not told
      }
    }

    void lookUp() {
      JudgedRun.lookUp(history, consumer);
    }

    void close() throws IOException {
      consumer.close();
      history.close();
    }
  }

  /** What the group has committed. */
  private static void lookUp(HistoryWriter history, KafkaConsumer<byte[], byte[]> consumer) {
    var asked = history.invoke("committed", "g", GROUP);
    try {
      Map<TopicPartition, OffsetAndMetadata> told = consumer.committed(new HashSet<>(partitions), LIMIT);
      Map<String, Object> offsets = new TreeMap<>();
      for (TopicPartition partition : partitions) offsets.put(partition.toString(), told.get(partition) == null ? -1 : told.get(partition).offset());
      history.ok(asked, "v", offsets);
    } catch (KafkaException failed) {
      history.info(asked, failed);
    }
  }

  private static void beMember() throws IOException {
    Member member = new Member("java-member");
    for (int turn = 0; !readersEnd; ++turn) {
      member.poll();
      member.commit();
      if (turn % 10 == 5) member.lookUp();
    }
    member.close();
  }

  // ---- the end ----

  private static void readFinally(double seconds, List<String> wanted) throws IOException {
    Map<TopicPartition, Long> last = new HashMap<>();
    for (String word : wanted) last.put(partitionOf(word.substring(0, word.indexOf('='))), Long.parseLong(word.substring(word.indexOf('=') + 1)));
    long end = System.nanoTime() + (long) (seconds * 1e9);
    try (Reader reader = new Reader("java-final")) {
      while (System.nanoTime() < end && last.entrySet().stream().anyMatch(one -> reader.next.get(one.getKey()) <= one.getValue())) reader.poll();
    }
    try (HistoryWriter history = historyOf("java-final-look-up"); var consumer = consumer(Map.of("group.id", GROUP))) {
      lookUp(history, consumer);
    }
  }
}

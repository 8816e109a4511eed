import com.fasterxml.jackson.databind.JsonNode;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Asks a fresh broker a set of questions, also such as no client asks, each in every version where the answer may differ, and
 * prints the answers: a line for each place in each, question | place | value. Read and written by Kafka's own classes.
 *
 * Usage: java -cp JARS SameAnswers.java HOST:PORT
 */
public class SameAnswers {
  private static final long LATEST = -1;
  private static final long EARLIEST = -2;
  private static final long MAX_TIMESTAMP = -3;
  private static final byte TOPIC = 2;
  private static final byte BROKER = 4;
  private static final int TOPIC_CONFIG = 1;
  private static final byte SET = 0;
  private static final byte DELETE = 1;
  private static final byte APPEND = 2;
  private static final byte SUBTRACT = 3;

  public static void main(String[] args) throws Exception {
    try (Broker broker = new Broker(args[0])) {
      new SameAnswers(broker).askEverything();
      broker.answers.forEach((question, answer) -> answer.forEach((place, value) -> System.out.println(question + " | " + place + " | " + value)));
      System.err.println(broker.answers.size() + " questions asked");
    }
  }

  /** A connection to a broker, and what it answered: by question, then by place in the answer. */
  private static class Broker implements AutoCloseable {
    final Map<String, Map<String, String>> answers = new LinkedHashMap<>();
    private final String address;
    private Socket socket;
    private int correlation = 0;
    String clientId = "asker";

    Broker(String address) throws IOException {
      this.address = address;
      connect();
    }

    private void connect() throws IOException {
      int colon = address.lastIndexOf(':');
      socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(20_000);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }

    /** A question whose answer is not compared. */
    ApiMessage askQuietly(ApiKeys api, int version, ApiMessage request) throws Exception {
      ApiMessage answer = ask("quietly", api, version, request);
      answers.remove(api.name + " quietly v" + version);
      return answer;
    }

    /** Null when the broker closed the connection. */
    ApiMessage ask(String situation, ApiKeys api, int version, ApiMessage request) throws Exception {
      short v = (short) version;
      RequestHeader header = new RequestHeader(api, v, clientId, ++correlation);
      return ask(situation, api, v, RequestUtils.serialize(header.data(), header.headerVersion(), request, v));
    }

    ApiMessage ask(String situation, ApiKeys api, short version, ByteBuffer frame) throws Exception {
      Map<String, String> flat = new LinkedHashMap<>();
      ApiMessage answer = null;
      try {
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        out.writeInt(frame.remaining());
        out.write(frame.array(), frame.arrayOffset() + frame.position(), frame.remaining());
        out.flush();
        answer = receive(api, version, flat);
      } catch (EOFException | java.net.SocketException closed) {
        flat.put("", "closed");
        socket.close();
        connect();
      }
      String question = api.name + " " + situation + " v" + version;
      if (answers.put(question, flat) != null) throw new IllegalStateException("asked twice: " + question);
      return answer;
    }

    private ApiMessage receive(ApiKeys api, short version, Map<String, String> flat) throws Exception {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      byte[] bytes = new byte[in.readInt()];
      in.readFully(bytes);
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      ResponseHeader.parse(buffer, api.responseHeaderVersion(version));
      ApiMessage answer = api.messageType.newResponse();
      short read = version;
      // Kafka answers an ApiVersions request that it does not know in version 0.
      if (api == ApiKeys.API_VERSIONS && buffer.getShort(buffer.position()) == 35) read = 0;
      answer.read(new ByteBufferAccessor(buffer), read);
      if (buffer.hasRemaining()) flat.put("", buffer.remaining() + " bytes more");
      flatten("", toJson(answer, read), flat);
      return answer;
    }

    private static JsonNode toJson(ApiMessage message, short version) throws Exception {
      return (JsonNode) Class.forName(message.getClass().getName() + "JsonConverter")
          .getMethod("write", message.getClass(), short.class).invoke(null, message, version);
    }

    private static void flatten(String place, JsonNode node, Map<String, String> flat) {
      if (node.isArray()) {
        boolean isAllSettings = node.size() > 0 && node.get(0).has("configSource") && !node.get(0).has("configType");
        flat.put(place + "[]", isAllSettings ? "some" : node.size() + " elements");
        for (int i = 0; i < node.size(); i++) {
          // A creation answers with all settings, of which the brokers do not have the same ones.
          if (isAllSettings && node.get(i).get("configSource").asInt() != TOPIC_CONFIG) continue;
          flatten(place + "[" + nameOf(node, i) + "]", node.get(i), flat);
        }
      } else if (node.isObject()) {
        flat.put(place + "{}", "there");
        node.fields().forEachRemaining(e -> flatten(place + (place.isEmpty() ? "" : ".") + e.getKey(), e.getValue(), flat));
      } else {
        flat.put(place, masked(place.substring(place.lastIndexOf('.') + 1), node));
      }
    }

    /** Elements that have different names are told apart by them: their order means nothing. */
    private static String nameOf(JsonNode array, int index) {
      Set<String> names = new HashSet<>();
      for (String field : List.of("name", "apiKey", "groupId", "resourceName")) {
        names.clear();
        for (JsonNode element : array) if (element.has(field) && !element.get(field).isNull()) names.add(element.get(field).asText());
        if (names.size() == array.size()) return array.get(index).get(field).asText();
      }
      return Integer.toString(index);
    }

    /** What two brokers cannot have in common keeps only what kind of value it is. */
    private static String masked(String field, JsonNode node) {
      String text = node.asText();
      switch (field) {
        case "errorMessage": case "batchIndexErrorMessage": case "documentation": case "host": case "clientHost": case "clusterId": case "logDir":
          return node.isNull() ? "null" : text.isEmpty() ? "empty" : "text";
        case "topicId":
          return text.equals(Uuid.ZERO_UUID.toString()) ? "zero" : "id";
        case "memberId": case "leader":
          return node.isNull() ? "null" : text.isEmpty() ? "empty" : "id";
        case "producerId": case "logAppendTimeMs": case "lastTimestamp": case "timestamp": case "finalizedFeaturesEpoch":
          return node.asLong() < 0 ? text : "number";
        case "port": case "sessionId": case "totalBytes": case "usableBytes":
          return node.asLong() > 0 ? "positive" : text;
        default:
          return node.isTextual() ? "'" + shown(text) + "'" : text;
      }
    }
  }

  /** On one line. */
  private static String shown(String text) {
    return text.replace("\t", "\\t").replace("\n", "\\n");
  }

  private final Broker broker;
  private Uuid topicId;
  private int markers = 0;

  private SameAnswers(Broker broker) {
    this.broker = broker;
  }

  private void askEverything() throws Exception {
    versions();
    topics();
    configs();
    metadata();
    produce();
    fetch();
    offsets();
    groups();
    rest();
  }

  /** Returns once the broker knows of every change before: Kafka answers changes before its broker has heard of them. */
  private void settle() throws Exception {
    String marker = "marker-" + markers++;
    broker.askQuietly(ApiKeys.CREATE_TOPICS, 7, creation(topic(marker, 1)));
    var request = new MetadataRequestData().setAllowAutoTopicCreation(false)
        .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName(marker)));
    while (((MetadataResponseData) broker.askQuietly(ApiKeys.METADATA, 12, request)).topics().find(marker).errorCode() != 0) pause();
    // The log comes after the metadata.
    var topic = new ListOffsetsRequestData.ListOffsetsTopic().setName(marker).setPartitions(List.of(
        new ListOffsetsRequestData.ListOffsetsPartition().setTimestamp(LATEST)));
    var offsets = new ListOffsetsRequestData().setReplicaId(-1).setTopics(List.of(topic));
    while (((ListOffsetsResponseData) broker.askQuietly(ApiKeys.LIST_OFFSETS, 7, offsets)).topics().get(0).partitions().get(0).errorCode() != 0)
      pause();
  }

  private static void pause() throws InterruptedException {
    Thread.sleep(20);
  }

  // --- What is spoken ------------------------------------------------------------------------------------------------

  private void versions() throws Exception {
    for (String name : List.of("good", "", "bad name", "-bad", "bad-")) {
      for (int version = 3; version <= ApiKeys.API_VERSIONS.latestVersion(); version++)
        broker.ask("from client '" + name + "'", ApiKeys.API_VERSIONS, version,
            new ApiVersionsRequestData().setClientSoftwareName(name).setClientSoftwareVersion("1"));
    }
    broker.ask("from a bad client version", ApiKeys.API_VERSIONS, 4,
        new ApiVersionsRequestData().setClientSoftwareName("good").setClientSoftwareVersion(""));
    for (int version = 0; version < 3; version++) broker.ask("plain", ApiKeys.API_VERSIONS, version, new ApiVersionsRequestData());
    RequestHeader header = new RequestHeader(ApiKeys.API_VERSIONS, (short) 4, "asker", 1);
    ByteBuffer frame = RequestUtils.serialize(header.data(), header.headerVersion(), new ApiVersionsRequestData(), (short) 4);
    frame.putShort(frame.position() + 2, (short) 99);
    broker.ask("of version 99", ApiKeys.API_VERSIONS, (short) 0, frame);
    frame = RequestUtils.serialize(header.data(), header.headerVersion(), new ApiVersionsRequestData(), (short) 4);
    frame.putShort(frame.position(), (short) 999);
    broker.ask("under key 999", ApiKeys.API_VERSIONS, (short) 4, frame);
  }

  // --- Topics --------------------------------------------------------------------------------------------------------

  private static CreateTopicsRequestData.CreatableTopic topic(String name, int partitions, String... configs) {
    var topic = new CreateTopicsRequestData.CreatableTopic().setName(name).setNumPartitions(partitions).setReplicationFactor((short) 1);
    for (int i = 0; i < configs.length; i += 2)
      topic.configs().add(new CreateTopicsRequestData.CreatableTopicConfig().setName(configs[i]).setValue(configs[i + 1]));
    return topic;
  }

  private static CreateTopicsRequestData creation(CreateTopicsRequestData.CreatableTopic... topics) {
    var request = new CreateTopicsRequestData().setTimeoutMs(20_000);
    for (var topic : topics) request.topics().mustAdd(topic);
    return request;
  }

  /** Sent settings, and those that only the two have in common of what comes back. */
  private void create(String situation, int version, CreateTopicsRequestData request) throws Exception {
    broker.ask(situation, ApiKeys.CREATE_TOPICS, version, request);
  }

  private void topics() throws Exception {
    for (int version = 2; version <= 7; version++) {
      create("of one", version, creation(topic("made-" + version, 2)));
      create("of one that exists", version, creation(topic("made-2", 1)));
      create("of one twice", version, creation(topic("twice", 1), topic("twice", 1)));
      create("of one twice and another", version, creation(topic("twice", 1), topic("beside-" + version, 1), topic("twice", 2)));
      create("of none", version, creation());
      create("of a bad name", version, creation(topic("a b", 1)));
      create("of a long name", version, creation(topic("x".repeat(250), 1)));
      create("of an empty name", version, creation(topic("", 1)));
      create("of no partitions", version, creation(topic("none", 0)));
      create("of -2 partitions", version, creation(topic("none", -2)));
      create("of replication factor 2", version, creation(topic("none", 1).setReplicationFactor((short) 2)));
      create("of replication factor 0", version, creation(topic("none", 1).setReplicationFactor((short) 0)));
      create("with an unknown setting", version, creation(topic("none", 1, "no.such", "1")));
      create("with a bad setting", version, creation(topic("none", 1, "retention.ms", "soon")));
      create("with a setting without a value", version, creation(topic("none", 1, "retention.ms", null)));
      create("with a setting twice", version, creation(topic("settings-" + version, 1, "retention.ms", "1", "retention.ms", "2")));
      create("of a colliding name", version, creation(topic("made.2", 1)));
      create("only to validate", version, creation(topic("validated", 3)).setValidateOnly(true));
      create("only to validate what is wrong", version, creation(topic("validated", 0)).setValidateOnly(true));
      var assigned = topic("assigned-" + version, -1).setReplicationFactor((short) -1);
      assigned.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(1)));
      create("with an assignment", version, creation(assigned));
      var wrong = topic("none", -1).setReplicationFactor((short) -1);
      wrong.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(7)));
      create("with an assignment to nobody", version, creation(wrong));
      var both = topic("none", 1);
      both.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(1)));
      create("with an assignment and numbers", version, creation(both));
      if (version >= 4) create("with defaults", version, creation(topic("defaults-" + version, -1).setReplicationFactor((short) -1)));
    }
    create("for what follows", 7, creation(topic("t", 1), topic("keyed", 1, "cleanup.policy", "compact"),
        topic("stamped", 1, "message.timestamp.type", "LogAppendTime"),
        topic("recent", 1, "message.timestamp.before.max.ms", "1000", "message.timestamp.after.max.ms", "1000"),
        topic("small", 1, "max.message.bytes", "200"), topic("two", 2, "min.insync.replicas", "2"),
        topic("timeless", 1), topic("empty", 1), topic("odd", 1), topic("kept", 1, "cleanup.policy", "")));
    settle();

    for (int version = 0; version <= 3; version++) {
      partitions("to 3", version, "made-" + (version + 2), 3, null);
      partitions("to fewer", version, "made-2", 1, null);
      partitions("to as many", version, "made-2", 3, null);
      partitions("of nobody", version, "nobody", 3, null);
      partitions("to -1", version, "made-2", -1, null);
      partitions("on another broker", version, "made-2", 4, List.of(9));
      partitions("on this broker", version, "made-" + (version + 2), 4, List.of(1));
      var one = new CreatePartitionsRequestData().setTimeoutMs(20_000);
      one.topics().add(new CreatePartitionsRequestData.CreatePartitionsTopic().setName("made-2").setCount(9).setAssignments(null));
      broker.ask("of none", ApiKeys.CREATE_PARTITIONS, version, new CreatePartitionsRequestData().setTimeoutMs(20_000));
      broker.ask("only to validate", ApiKeys.CREATE_PARTITIONS, version, one.setValidateOnly(true));
      var twice = new CreatePartitionsRequestData().setTimeoutMs(20_000);
      for (int count : new int[] {8, 9})
        twice.topics().mustAdd(new CreatePartitionsRequestData.CreatePartitionsTopic().setName("made-2").setCount(count).setAssignments(null));
      broker.ask("of one twice", ApiKeys.CREATE_PARTITIONS, version, twice);
    }

    settle();
    for (int version = 1; version <= 5; version++) {
      deletion("of one", version, "made-" + version);
      deletion("of nobody", version, "nobody");
      deletion("of one twice", version, "beside-7", "beside-7");
      deletion("of an empty name", version, "");
      deletion("of none", version);
    }
    broker.ask("of an unknown id", ApiKeys.DELETE_TOPICS, 6, new DeleteTopicsRequestData().setTimeoutMs(20_000).setTopics(List.of(
        new DeleteTopicsRequestData.DeleteTopicState().setName(null).setTopicId(new Uuid(7, 7)))));
    broker.ask("of a name and an id", ApiKeys.DELETE_TOPICS, 6, new DeleteTopicsRequestData().setTimeoutMs(20_000).setTopics(List.of(
        new DeleteTopicsRequestData.DeleteTopicState().setName("t").setTopicId(new Uuid(7, 7)))));
    broker.ask("of neither", ApiKeys.DELETE_TOPICS, 6, new DeleteTopicsRequestData().setTimeoutMs(20_000).setTopics(List.of(
        new DeleteTopicsRequestData.DeleteTopicState().setName(null))));
    broker.ask("of a name", ApiKeys.DELETE_TOPICS, 6, new DeleteTopicsRequestData().setTimeoutMs(20_000).setTopics(List.of(
        new DeleteTopicsRequestData.DeleteTopicState().setName("made-6"), new DeleteTopicsRequestData.DeleteTopicState().setName("nobody"))));
    settle();
  }

  private void partitions(String situation, int version, String name, int count, List<Integer> assignment) throws Exception {
    var topic = new CreatePartitionsRequestData.CreatePartitionsTopic().setName(name).setCount(count).setAssignments(null);
    if (assignment != null)
      topic.setAssignments(List.of(new CreatePartitionsRequestData.CreatePartitionsAssignment().setBrokerIds(assignment)));
    var request = new CreatePartitionsRequestData().setTimeoutMs(20_000);
    request.topics().add(topic);
    broker.ask(situation, ApiKeys.CREATE_PARTITIONS, version, request);
  }

  private void deletion(String situation, int version, String... names) throws Exception {
    broker.ask(situation, ApiKeys.DELETE_TOPICS, version,
        new DeleteTopicsRequestData().setTimeoutMs(20_000).setTopicNames(Arrays.asList(names)));
  }

  // --- Settings ------------------------------------------------------------------------------------------------------

  private void describe(String situation, String name, String... keys) throws Exception {
    for (int version : List.of(1, 4))
      broker.ask(situation, ApiKeys.DESCRIBE_CONFIGS, version, new DescribeConfigsRequestData().setIncludeSynonyms(true).setResources(List.of(
          new DescribeConfigsRequestData.DescribeConfigsResource().setResourceType(TOPIC).setResourceName(name)
              .setConfigurationKeys(Arrays.asList(keys)))));
  }

  private void change(String situation, String name, Object... changes) throws Exception {
    var resource = new IncrementalAlterConfigsRequestData.AlterConfigsResource().setResourceType(TOPIC).setResourceName(name);
    for (int i = 0; i < changes.length; i += 3)
      resource.configs().add(new IncrementalAlterConfigsRequestData.AlterableConfig().setName((String) changes[i + 1])
          .setConfigOperation((Byte) changes[i]).setValue((String) changes[i + 2]));
    var request = new IncrementalAlterConfigsRequestData();
    request.resources().add(resource);
    broker.ask(situation, ApiKeys.INCREMENTAL_ALTER_CONFIGS, 1, request);
  }

  private void replace(String situation, String name, String... configs) throws Exception {
    var resource = new AlterConfigsRequestData.AlterConfigsResource().setResourceType(TOPIC).setResourceName(name);
    for (int i = 0; i < configs.length; i += 2)
      resource.configs().add(new AlterConfigsRequestData.AlterableConfig().setName(configs[i]).setValue(configs[i + 1]));
    var request = new AlterConfigsRequestData();
    request.resources().add(resource);
    broker.ask(situation, ApiKeys.ALTER_CONFIGS, 2, request);
  }

  /** A setting of some text, and the topic that is given it. */
  private record Value(String topic, String key, String text) {
    @Override
    public String toString() {
      return key + "='" + shown(text) + "'";
    }
  }

  private final List<Value> values = new ArrayList<>();

  private void values(String key, String... texts) {
    for (String text : texts) values.add(new Value("value-" + values.size(), key, text));
  }

  /** Each value by every way in, and how it is shown then. */
  private void giveValues() throws Exception {
    for (Value value : values) {
      create("with " + value, 5, creation(topic(value.topic, 1, value.key, value.text)));
      create("to set " + value, 5, creation(topic(value.topic + "-set", 1)));
    }
    settle();
    for (Value value : values) {
      describe("of one made with " + value, value.topic, value.key);
      change("setting " + value, value.topic + "-set", SET, value.key, value.text);
    }
    settle();
    for (Value value : values) {
      describe("of one that was set " + value, value.topic + "-set", value.key);
      replace("to " + value, value.topic + "-set", value.key, value.text);
    }
    settle();
    for (Value value : values) describe("of one replaced with " + value, value.topic + "-set", value.key);
  }

  /** A list and what is done with an item of it. */
  private record ListChange(String topic, String policy, byte operation, String item) {
    @Override
    public String toString() {
      return operation == APPEND ? "appending '" + item + "' to '" + policy + "'" : "taking '" + item + "' from '" + policy + "'";
    }
  }

  private void changeLists() throws Exception {
    List<ListChange> changes = new ArrayList<>();
    for (String policy : List.of("compact, delete", "compact,delete", "delete", "compact"))
      for (byte operation : new byte[] {APPEND, SUBTRACT})
        for (String item : List.of("delete", "compact", "compact,delete", " delete", "", "purge", "delete,delete"))
          changes.add(new ListChange("list-" + changes.size(), policy, operation, item));
    for (ListChange change : changes) create("for " + change, 5, creation(topic(change.topic, 1, "cleanup.policy", change.policy)));
    settle();
    for (ListChange change : changes) change(change.toString(), change.topic, change.operation, "cleanup.policy", change.item);
    settle();
    for (ListChange change : changes) describe("after " + change, change.topic, "cleanup.policy");
  }

  private void configs() throws Exception {
    values("retention.ms", " 1000", "1000 ", "+1000", "01000", "1e3", "1_000", "1000L", "0x10", "", " ", "-1", "-2",
        "9223372036854775808", "\t7\n");
    values("segment.bytes", "1048577", " 1048577 ", "2147483648", "1048577.0");
    values("preallocate", "TRUE", " true", "True ", "yes", "1", "");
    values("min.cleanable.dirty.ratio", ".5", "0.50", "5e-1", " 0.25 ", "+0.5", "1", "1.", "1e-7", "0.001", "0.0001", "1.1", "-0.1", "NaN",
        "0.5d", "0.5f", "0x1p-1", "");
    values("cleanup.policy", "compact, delete", "delete,compact", " compact", "compact,", ",compact", "compact,,delete", "compact,compact",
        "", " ", "DELETE", "compact ,\tdelete", "purge", "[compact]");
    values("message.timestamp.type", "LogAppendTime", " LogAppendTime ", "logappendtime", "");
    giveValues();
    changeLists();

    create("for defaults", 5, creation(topic("list", 1)));
    settle();
    change("appending to a default", "list", APPEND, "cleanup.policy", "compact");
    settle();
    describe("after appending to a default", "list", "cleanup.policy");
    change("deleting", "list", DELETE, "cleanup.policy", null);
    settle();
    describe("after deleting", "list", "cleanup.policy");
    change("deleting with a value", "list", DELETE, "cleanup.policy", "delete");
    change("deleting an unknown one", "list", DELETE, "no.such", null);
    change("setting without a value", "list", SET, "retention.ms", null);
    change("setting an unknown one", "list", SET, "no.such", "1");
    change("appending to a number", "list", APPEND, "retention.ms", "1");
    change("setting one twice", "list", SET, "retention.ms", "1", SET, "retention.ms", "2");
    change("an unknown operation", "list", (byte) 9, "retention.ms", "1");
    change("of nobody", "nobody", SET, "retention.ms", "1");
    change("nothing", "list");
    replace("without a value", "list", "retention.ms", null);
    replace("to an unknown one", "list", "no.such", "1");
    replace("of nobody", "nobody", "retention.ms", "1");
    replace("to nothing", "list");
    describe("of nobody", "nobody", "retention.ms");
    describe("of an unknown key", "list", "no.such");
    describe("of a bad name", "a b", "retention.ms");
    describe("of an empty name", "", "retention.ms");
    for (byte type : new byte[] {0, 3, 8, 99}) {
      broker.ask("of a resource of type " + type, ApiKeys.DESCRIBE_CONFIGS, 4, new DescribeConfigsRequestData().setResources(List.of(
          new DescribeConfigsRequestData.DescribeConfigsResource().setResourceType(type).setResourceName("1").setConfigurationKeys(List.of("none")))));
    }
    for (String name : List.of("7", "x"))
      broker.ask("of broker '" + name + "'", ApiKeys.DESCRIBE_CONFIGS, 4, new DescribeConfigsRequestData().setResources(List.of(
          new DescribeConfigsRequestData.DescribeConfigsResource().setResourceType(BROKER).setResourceName(name).setConfigurationKeys(List.of("none")))));
    broker.ask("of a broker's number", ApiKeys.DESCRIBE_CONFIGS, 4, new DescribeConfigsRequestData().setIncludeSynonyms(true).setResources(List.of(
        new DescribeConfigsRequestData.DescribeConfigsResource().setResourceType(BROKER).setResourceName("1").setConfigurationKeys(
            List.of("log.cleaner.min.cleanable.ratio", "log.cleanup.policy", "log.retention.ms", "log.preallocate", "num.partitions")))));
  }

  // --- Metadata ------------------------------------------------------------------------------------------------------

  private void metadata() throws Exception {
    for (int version = 0; version <= ApiKeys.METADATA.latestVersion(); version++) {
      metadata("of one", version, "t");
      if (version >= 4) metadata("of nobody", version, "nobody");
      if (version >= 4) metadata("of a bad name", version, "a b");
      if (version >= 1) metadata("of none", version);
      metadata("of one twice", version, "t", "t");
    }
    for (int version = 10; version <= 13; version++) {
      broker.ask("of an unknown id", ApiKeys.METADATA, version, new MetadataRequestData().setTopics(List.of(
          new MetadataRequestData.MetadataRequestTopic().setTopicId(new Uuid(7, 7)).setName(null))).setAllowAutoTopicCreation(false));
    }
    var answer = (MetadataResponseData) broker.ask("for its id", ApiKeys.METADATA, 13, new MetadataRequestData().setTopics(List.of(
        new MetadataRequestData.MetadataRequestTopic().setName("t"))).setAllowAutoTopicCreation(false));
    topicId = answer.topics().find("t").topicId();
    for (int version = 10; version <= 13; version++)
      broker.ask("of an id", ApiKeys.METADATA, version, new MetadataRequestData().setTopics(List.of(
          new MetadataRequestData.MetadataRequestTopic().setTopicId(topicId).setName(null))).setAllowAutoTopicCreation(false));

    for (int version = 0; version <= ApiKeys.DESCRIBE_CLUSTER.latestVersion(); version++)
      broker.ask("plain", ApiKeys.DESCRIBE_CLUSTER, version, new DescribeClusterRequestData());

    for (String name : List.of("t", "nobody", "a b", ""))
      pages("of '" + name + "'", 100, null, name);
    pages("of a limit of 0", 0, null, "t");
    pages("of a cursor elsewhere", 100, new DescribeTopicPartitionsRequestData.Cursor().setTopicName("nobody").setPartitionIndex(0), "t");
    pages("of a cursor beyond", 100, new DescribeTopicPartitionsRequestData.Cursor().setTopicName("t").setPartitionIndex(5), "t");
    pages("of a cursor below nothing", 100, new DescribeTopicPartitionsRequestData.Cursor().setTopicName("t").setPartitionIndex(-1), "t");
    pages("of one partition of two", 1, null, "two", "t");
  }

  private void metadata(String situation, int version, String... names) throws Exception {
    var request = new MetadataRequestData().setAllowAutoTopicCreation(version < 4);
    request.setTopics(new ArrayList<>());
    for (String name : names) request.topics().add(new MetadataRequestData.MetadataRequestTopic().setName(name));
    broker.ask(situation, ApiKeys.METADATA, version, request);
  }

  private void pages(String situation, int limit, DescribeTopicPartitionsRequestData.Cursor cursor, String... names) throws Exception {
    var request = new DescribeTopicPartitionsRequestData().setResponsePartitionLimit(limit).setCursor(cursor);
    for (String name : names) request.topics().add(new DescribeTopicPartitionsRequestData.TopicRequest().setName(name));
    broker.ask(situation, ApiKeys.DESCRIBE_TOPIC_PARTITIONS, 0, request);
  }

  // --- Records -------------------------------------------------------------------------------------------------------

  private static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private static SimpleRecord record(long timestamp, String key, String value) {
    return new SimpleRecord(timestamp, bytes(key), bytes(value));
  }

  private static MemoryRecords batch(SimpleRecord... records) {
    return MemoryRecords.withRecords(Compression.NONE, records);
  }

  private static MemoryRecords sequenced(long producer, int epoch, int sequence, SimpleRecord... records) {
    return MemoryRecords.withIdempotentRecords(Compression.NONE, producer, (short) epoch, sequence, records);
  }

  private ApiMessage produce(String situation, int version, String topic, int partition, MemoryRecords records) throws Exception {
    return produce(situation, version, topic, partition, records, (short) -1);
  }

  private ApiMessage produce(String situation, int version, String topic, int partition, MemoryRecords records, short acks) throws Exception {
    var data = new ProduceRequestData.TopicProduceData();
    if (version >= 13) {
      data.setTopicId(topic.equals("t") ? topicId : new Uuid(7, 7));
    } else {
      data.setName(topic);
    }
    data.partitionData().add(new ProduceRequestData.PartitionProduceData().setIndex(partition).setRecords(records));
    var request = new ProduceRequestData().setAcks(acks).setTimeoutMs(3000);
    request.topicData().add(data);
    return broker.ask(situation, ApiKeys.PRODUCE, version, request);
  }

  private static MemoryRecords damaged(MemoryRecords records) {
    ByteBuffer copy = ByteBuffer.allocate(records.sizeInBytes());
    copy.put(records.buffer().duplicate()).flip();
    copy.put(copy.limit() - 1, (byte) (copy.get(copy.limit() - 1) ^ 1));
    return MemoryRecords.readableRecords(copy);
  }

  private void produce() throws Exception {
    long now = System.currentTimeMillis();
    int last = ApiKeys.PRODUCE.latestVersion();
    for (int version = 3; version <= last; version++) {
      produce("of one", version, "t", 0, batch(record(now, "k", "v")));
      produce("to nobody", version, "nobody", 0, batch(record(now, "k", "v")));
      produce("to no partition", version, "t", 9, batch(record(now, "k", "v")));
      produce("of damage", version, "t", 0, damaged(batch(record(now, "k", "v"))));
      produce("with acks of 2", version, "t", 0, batch(record(now, "k", "v")), (short) 2);
      produce("of two batches", version, "t", 0, two(batch(record(now, "a", "b")), batch(record(now, "c", "d"))));
      if (version == 13) continue;
      produce("without a key", version, "keyed", 0, batch(record(now, "k", "v"), record(now, null, "v"), record(now, "k", "v"), record(now, null, "w")));
      produce("without any key", version, "keyed", 0, batch(record(now, null, "v")));
      produce("of times out of range", version, "recent", 0,
          batch(record(now, "k", "v"), record(now - 100_000, "k", "v"), record(now + 100_000, "k", "v")));
      produce("of times out of range to a keyed one", version, "keyed", 0,
          batch(record(now + 10_000_000, null, "v"), record(now + 10_000_000, "k", "v"), record(now, null, "v")));
      produce("stamped by the broker", version, "stamped", 0, batch(record(now, "k", "v")));
      produce("that is too large", version, "small", 0, batch(record(now, "k", "v".repeat(500))));
      produce("where more in sync are asked for than there are", version, "two", 0, batch(record(now, "k", "v")));
      produce("stamped by the client", version, "odd", 0, MemoryRecords.withRecords((byte) 2, 0, Compression.NONE, TimestampType.LOG_APPEND_TIME, record(now, "k", "v")));
    }
    // A partition without a batch is not asked about: Kafka leaves such a request without an answer.
    var idRequest = new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(60_000);
    InitProducerIdResponseData id = (InitProducerIdResponseData) broker.askQuietly(ApiKeys.INIT_PRODUCER_ID, 5, idRequest);
    for (; id.errorCode() != 0; pause()) id = (InitProducerIdResponseData) broker.askQuietly(ApiKeys.INIT_PRODUCER_ID, 5, idRequest);
    for (int version = 0; version <= 5; version++)
      broker.ask("plain", ApiKeys.INIT_PRODUCER_ID, version, idRequest);
    broker.ask("with an empty transactional id", ApiKeys.INIT_PRODUCER_ID, 5,
        new InitProducerIdRequestData().setTransactionalId("").setTransactionTimeoutMs(60_000));
    broker.ask("with an epoch alone", ApiKeys.INIT_PRODUCER_ID, 5,
        new InitProducerIdRequestData().setTransactionalId(null).setTransactionTimeoutMs(60_000).setProducerEpoch((short) 3));
    long producer = id.producerId();
    for (int version : List.of(3, 8, 12))
      create("for sequences of " + version, 7, creation(topic("sequences-" + version, 1),
          topic("sequences-" + version + "-stamped", 1, "message.timestamp.type", "LogAppendTime")));
    settle();
    for (int version : List.of(3, 8, 12)) {
      String t = "sequences-" + version;
      produce("of a first sequence", version, t, 0, sequenced(producer, 1, 0, record(now, "k", "v"), record(now, "k", "v")));
      produce("of a duplicate", version, t, 0, sequenced(producer, 1, 0, record(now, "k", "v"), record(now, "k", "v")));
      produce("of a gap", version, t, 0, sequenced(producer, 1, 5, record(now, "k", "v")));
      produce("of an older epoch", version, t, 0, sequenced(producer, 0, 2, record(now, "k", "v")));
      produce("of a newer epoch amid", version, t, 0, sequenced(producer, 2, 7, record(now, "k", "v")));
      produce("of an unknown producer amid", version, t, 0, sequenced(producer + 500, 0, 7, record(now, "k", "v")));
      produce("of an overlap", version, t, 0, sequenced(producer, 1, 1, record(now, "k", "v")));
      produce("of a first sequence, stamped", version, t + "-stamped", 0, sequenced(producer, 1, 0, record(now, "k", "v")));
      produce("of a duplicate, stamped", version, t + "-stamped", 0, sequenced(producer, 1, 0, record(now, "k", "v")));
    }
    produce("of a first record without a time", 12, "timeless", 0, batch(record(-1, "k", "v")));
    produce("of a second record without a time", 12, "timeless", 0, batch(record(-1, "k", "v"), record(-1, "k", "v")));
    compressed();
    for (int version = 0; version <= ApiKeys.DESCRIBE_PRODUCERS.latestVersion(); version++) {
      for (String topic : List.of("sequences-12", "nobody")) {
        var request = new DescribeProducersRequestData();
        request.topics().add(new DescribeProducersRequestData.TopicRequest().setName(topic).setPartitionIndexes(List.of(0, 4)));
        broker.ask("of " + topic, ApiKeys.DESCRIBE_PRODUCERS, version, request);
      }
    }
  }

  private static MemoryRecords two(MemoryRecords a, MemoryRecords b) {
    ByteBuffer both = ByteBuffer.allocate(a.sizeInBytes() + b.sizeInBytes());
    both.put(a.buffer().duplicate()).put(b.buffer().duplicate()).flip();
    return MemoryRecords.readableRecords(both);
  }

  /** Compressed batches with bytes behind their stream, with a second stream, cut short, and with other records than claimed. */
  private void compressed() throws Exception {
    long now = System.currentTimeMillis();
    for (var codec : List.of(Compression.gzip().build(), Compression.snappy().build(), Compression.lz4().build(), Compression.zstd().build())) {
      String name = codec.type().name;
      MemoryRecords good = MemoryRecords.withRecords(codec, record(now, "k", "v".repeat(100)), record(now, "k", "w".repeat(100)));
      int head = 61;
      byte[] stream = Arrays.copyOfRange(array(good), head, good.sizeInBytes());
      compressed(name, "plain", good, stream, 0);
      compressed(name, "with zeros behind", good, stream, 8);
      compressed(name, "with one zero behind", good, stream, 1);
      compressed(name, "with text behind", good, join(stream, bytes("garbage behind")), 0);
      compressed(name, "with its stream twice", good, join(stream, stream), 0);
      compressed(name, "cut by one", good, Arrays.copyOf(stream, stream.length - 1), 0);
      compressed(name, "cut by half", good, Arrays.copyOf(stream, stream.length / 2), 0);
      compressed(name, "without a stream", good, new byte[0], 0);
      compressed(name, "of garbage", good, bytes("this is no stream of any codec"), 0);
      MemoryRecords more = MemoryRecords.withRecords(codec, record(now, "k", "v"), record(now, "k", "v"), record(now, "k", "v"));
      byte[] three = Arrays.copyOfRange(array(more), head, more.sizeInBytes());
      compressed(name, "with a record more than it counts", good, three, 0);
      MemoryRecords less = MemoryRecords.withRecords(codec, record(now, "k", "v"));
      byte[] one = Arrays.copyOfRange(array(less), head, less.sizeInBytes());
      compressed(name, "with a record less than it counts", good, one, 0);
      MemoryRecords keyless = MemoryRecords.withRecords(codec, record(now, "k", "v"), record(now, null, "v"), record(now + 10_000_000, "k", "v"));
      produce(name + " with records at fault", 12, "keyed", 0, keyless);
    }
    MemoryRecords plain = batch(record(now, "k", "v"), record(now, "k", "w"));
    byte[] records = Arrays.copyOfRange(array(plain), 61, plain.sizeInBytes());
    compressed("none", "with a zero behind", plain, records, 1);
    compressed("none", "with text behind", plain, join(records, bytes("garbage behind")), 0);
    compressed("none", "cut by one", plain, Arrays.copyOf(records, records.length - 1), 0);
  }

  private void compressed(String codec, String situation, MemoryRecords good, byte[] stream, int zeros) throws Exception {
    byte[] head = Arrays.copyOf(array(good), 61);
    ByteBuffer all = ByteBuffer.allocate(61 + stream.length + zeros);
    all.put(head).put(stream).position(0);
    all.putInt(8, all.capacity() - 12);
    all.putInt(17, (int) org.apache.kafka.common.utils.Crc32C.compute(all.array(), 21, all.capacity() - 21));
    produce(codec + " " + situation, 12, "odd", 0, MemoryRecords.readableRecords(all));
  }

  private static byte[] array(MemoryRecords records) {
    byte[] bytes = new byte[records.sizeInBytes()];
    records.buffer().duplicate().get(bytes);
    return bytes;
  }

  private static byte[] join(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private void fetch() throws Exception {
    for (int version = 4; version <= ApiKeys.FETCH.latestVersion(); version++) {
      for (byte isolation : new byte[] {0, 1}) {
        String how = isolation == 0 ? "" : ", committed";
        fetch("of the start" + how, version, "t", 0, 0, isolation, -1);
        fetch("of beyond" + how, version, "t", 0, 1_000_000, isolation, -1);
        fetch("of nobody" + how, version, "nobody", 0, 0, isolation, -1);
        fetch("of no partition" + how, version, "t", 9, 0, isolation, -1);
        fetch("of below nothing" + how, version, "t", 0, -5, isolation, -1);
        if (version >= 9) fetch("with a newer epoch" + how, version, "t", 0, 0, isolation, 99);
        fetch("of an empty one" + how, version, "empty", 0, 0, isolation, -1);
      }
    }
  }

  private void fetch(String situation, int version, String topic, int partition, long offset, byte isolation, int epoch) throws Exception {
    if (version >= 13 && topic.equals("empty")) return;
    var data = new FetchRequestData.FetchTopic();
    if (version >= 13) {
      data.setTopicId(topic.equals("t") ? topicId : new Uuid(7, 7));
    } else {
      data.setTopic(topic);
    }
    data.partitions().add(new FetchRequestData.FetchPartition().setPartition(partition).setFetchOffset(offset).setPartitionMaxBytes(1 << 20)
        .setCurrentLeaderEpoch(epoch));
    // A full request without a session.
    var request = new FetchRequestData().setMaxWaitMs(0).setMinBytes(0).setMaxBytes(100).setIsolationLevel(isolation).setSessionId(0).setSessionEpoch(-1);
    request.topics().add(data);
    broker.ask(situation, ApiKeys.FETCH, version, request);
  }

  private void offsets() throws Exception {
    for (int version = 1; version <= ApiKeys.LIST_OFFSETS.latestVersion(); version++) {
      for (String topic : List.of("t", "empty", "timeless", "nobody", "sequences-12"))
        for (long time : new long[] {LATEST, EARLIEST, MAX_TIMESTAMP, -4, -5, -6, -7, 0, 4102444800000L}) list("of " + topic + " at " + time, version, topic, 0, time, -1);
      list("of no partition", version, "t", 9, LATEST, -1);
      if (version >= 4) list("with a newer epoch", version, "t", 0, LATEST, 99);
    }
    for (int version = 2; version <= ApiKeys.OFFSET_FOR_LEADER_EPOCH.latestVersion(); version++) {
      for (int epoch : new int[] {-1, 0, 7}) {
        var request = new OffsetForLeaderEpochRequestData().setReplicaId(-1);
        for (String name : List.of("t", "nobody")) {
          var topic = new OffsetForLeaderEpochRequestData.OffsetForLeaderTopic().setTopic(name);
          for (int partition : new int[] {0, 9})
            topic.partitions().add(new OffsetForLeaderEpochRequestData.OffsetForLeaderPartition().setPartition(partition).setLeaderEpoch(epoch));
          request.topics().add(topic);
        }
        broker.ask("of epoch " + epoch, ApiKeys.OFFSET_FOR_LEADER_EPOCH, version, request);
      }
    }
    for (int version = 0; version <= 2; version++) {
      deleteRecords("of all", version, "made-7", -1);
      deleteRecords("of some", version, "t", 1);
      deleteRecords("of too many", version, "t", 1_000_000);
      deleteRecords("below nothing", version, "t", -7);
      deleteRecords("of nobody", version, "nobody", 0);
      deleteRecords("of a compacted one", version, "keyed", 0);
      deleteRecords("of one that keeps all", version, "kept", 0);
    }
    for (int version = 1; version <= ApiKeys.DESCRIBE_LOG_DIRS.latestVersion(); version++) {
      for (String name : List.of("nobody", "empty")) {
        var request = new DescribeLogDirsRequestData();
        request.topics().add(new DescribeLogDirsRequestData.DescribableLogDirTopic().setTopic(name).setPartitions(List.of(0)));
        broker.ask("of " + name, ApiKeys.DESCRIBE_LOG_DIRS, version, request);
      }
    }
  }

  private void list(String situation, int version, String topic, int partition, long time, int epoch) throws Exception {
    var data = new ListOffsetsRequestData.ListOffsetsTopic().setName(topic);
    data.partitions().add(new ListOffsetsRequestData.ListOffsetsPartition().setPartitionIndex(partition).setTimestamp(time).setCurrentLeaderEpoch(epoch));
    var request = new ListOffsetsRequestData().setReplicaId(-1);
    request.topics().add(data);
    broker.ask(situation, ApiKeys.LIST_OFFSETS, version, request);
  }

  private void deleteRecords(String situation, int version, String topic, long offset) throws Exception {
    var data = new DeleteRecordsRequestData.DeleteRecordsTopic().setName(topic);
    data.partitions().add(new DeleteRecordsRequestData.DeleteRecordsPartition().setPartitionIndex(0).setOffset(offset));
    var request = new DeleteRecordsRequestData().setTimeoutMs(20_000);
    request.topics().add(data);
    broker.ask(situation, ApiKeys.DELETE_RECORDS, version, request);
  }

  // --- Groups --------------------------------------------------------------------------------------------------------

  private void groups() throws Exception {
    // The first one makes __consumer_offsets; in Kafka it is there some time after, and its groups are loaded after that.
    var request = new FindCoordinatorRequestData().setKeyType((byte) 0).setCoordinatorKeys(List.of("g"));
    while (((FindCoordinatorResponseData) broker.askQuietly(ApiKeys.FIND_COORDINATOR, 6, request)).coordinators().get(0).errorCode() != 0) pause();
    var described = new DescribeGroupsRequestData().setGroups(List.of("g", "simple-2", "h", "i", "j"));
    while (((DescribeGroupsResponseData) broker.askQuietly(ApiKeys.DESCRIBE_GROUPS, 5, described)).groups().stream().anyMatch(g -> g.errorCode() != 0))
      pause();
    for (int version = 0; version <= ApiKeys.FIND_COORDINATOR.latestVersion(); version++) {
      request = new FindCoordinatorRequestData().setKeyType((byte) 0);
      broker.ask("of a group", ApiKeys.FIND_COORDINATOR, version,
          version < 4 ? request.setKey("g") : request.setCoordinatorKeys(List.of("g", "h")));
      request = new FindCoordinatorRequestData().setKeyType((byte) 0);
      broker.ask("of a group without a name", ApiKeys.FIND_COORDINATOR, version,
          version < 4 ? request.setKey("") : request.setCoordinatorKeys(List.of("")));
      if (version >= 1) {
        request = new FindCoordinatorRequestData().setKeyType((byte) 9);
        broker.ask("of a bad type", ApiKeys.FIND_COORDINATOR, version,
            version < 4 ? request.setKey("g") : request.setCoordinatorKeys(List.of("g")));
      }
    }
    for (int version = 2; version <= ApiKeys.JOIN_GROUP.latestVersion(); version++) {
      join("with an unknown member", version, "g", "nobody", 10_000, "consumer", "range");
      join("without a group", version, "", "", 10_000, "consumer", "range");
      join("with a short timeout", version, "g", "", 1, "consumer", "range");
      join("without protocols", version, "empty-" + version, "", 10_000, "consumer");
      join("without a type", version, "untyped-" + version, "", 10_000, "", "range");
      String group = "joined-" + version;
      var joined = (JoinGroupResponseData) join("of a first", version, group, "", 10_000, "consumer", "range");
      if (joined != null && joined.errorCode() == 79)
        joined = (JoinGroupResponseData) join("of a first with its id", version, group, joined.memberId(), 10_000, "consumer", "range");
      join("of another type", version, group, version >= 4 ? joined.memberId() : "", 10_000, "other", "range");
      join("of no common protocol", version, group, "", 10_000, "consumer", "strange");
      String member = joined.memberId();
      int sync = Math.min(version, ApiKeys.SYNC_GROUP.latestVersion());
      if (version <= 4 || version == 9) {
        sync("with an unknown member", sync, group, "nobody", joined.generationId(), null);
        sync("of another generation", sync, group, member, 77, null);
        if (sync >= 5) sync("of another protocol", sync, group, member, joined.generationId(), "strange");
        sync("of nobody's group", sync, "nobody", member, 1, null);
        sync("plain", sync, group, member, joined.generationId(), null);
        heartbeat("plain", Math.min(version, 4), group, member, joined.generationId());
        heartbeat("with an unknown member", Math.min(version, 4), group, "nobody", joined.generationId());
        heartbeat("of another generation", Math.min(version, 4), group, member, 77);
        heartbeat("of nobody's group", Math.min(version, 4), "nobody", member, 1);
        heartbeat("without a group", Math.min(version, 4), "", member, 1);
      }
      if (version == 9) {
        for (int v = 0; v <= ApiKeys.DESCRIBE_GROUPS.latestVersion(); v++)
          broker.ask("of one, nobody and none", ApiKeys.DESCRIBE_GROUPS, v,
              new DescribeGroupsRequestData().setGroups(List.of(group, "nobody", "")));
        commits(group, member, joined.generationId());
        for (int v = 0; v <= 2; v++)
          broker.ask("with members, nobody and none", ApiKeys.DELETE_GROUPS, v,
              new DeleteGroupsRequestData().setGroupsNames(List.of(group, "nobody", "")));
      }
      if (version <= 5) {
        leave("of nobody", version, group, "nobody");
        leave("of the member", version, group, member);
        leave("of the member again", version, group, member);
        leave("of nobody's group", version, "nobody", member);
      }
    }
    for (int version : List.of(3, 12))
      produce("to an internal topic", version, "__consumer_offsets", 0, batch(record(System.currentTimeMillis(), "k", "v")));
    for (int v = 0; v <= 2; v++)
      broker.ask("of one without members", ApiKeys.DELETE_GROUPS, v, new DeleteGroupsRequestData().setGroupsNames(List.of("joined-" + (v + 2))));
    broker.ask("with a bad state", ApiKeys.LIST_GROUPS, 5, new ListGroupsRequestData().setStatesFilter(List.of("nothing")));
    broker.ask("with a bad type", ApiKeys.LIST_GROUPS, 5, new ListGroupsRequestData().setTypesFilter(List.of("nothing")));
  }

  private ApiMessage join(String situation, int version, String group, String member, int timeout, String type, String... protocols) throws Exception {
    var request = new JoinGroupRequestData().setGroupId(group).setMemberId(member).setSessionTimeoutMs(timeout)
        .setRebalanceTimeoutMs(1000).setProtocolType(type);
    for (String protocol : protocols)
      request.protocols().add(new JoinGroupRequestData.JoinGroupRequestProtocol().setName(protocol).setMetadata(new byte[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
    return broker.ask(situation, ApiKeys.JOIN_GROUP, version, request);
  }

  private void sync(String situation, int version, String group, String member, int generation, String protocol) throws Exception {
    var request = new SyncGroupRequestData().setGroupId(group).setMemberId(member).setGenerationId(generation);
    if (version >= 5) request.setProtocolType("consumer").setProtocolName(protocol == null ? "range" : protocol);
    request.assignments().add(new SyncGroupRequestData.SyncGroupRequestAssignment().setMemberId(member).setAssignment(new byte[] {0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
    broker.ask(situation, ApiKeys.SYNC_GROUP, version, request);
  }

  private void heartbeat(String situation, int version, String group, String member, int generation) throws Exception {
    if (broker.answers.containsKey("Heartbeat " + situation + " v" + version)) return;
    broker.ask(situation, ApiKeys.HEARTBEAT, version, new HeartbeatRequestData().setGroupId(group).setMemberId(member).setGenerationId(generation));
  }

  private void leave(String situation, int version, String group, String member) throws Exception {
    var request = new LeaveGroupRequestData().setGroupId(group);
    if (version < 3) request.setMemberId(member);
    else request.setMembers(List.of(new LeaveGroupRequestData.MemberIdentity().setMemberId(member)));
    broker.ask(situation, ApiKeys.LEAVE_GROUP, version, request);
  }

  private void commits(String group, String member, int generation) throws Exception {
    for (int version = 2; version <= 9; version++) {
      commit("of a member", version, group, member, generation, "t", 0, "note");
      commit("of an unknown member", version, group, "nobody", generation, "t", 0, "note");
      commit("of another generation", version, group, member, 77, "t", 0, "note");
      commit("from outside", version, group, "", -1, "t", 0, "note");
      commit("of a simple one", version, "simple-" + version, "", -1, "t", 0, null);
      commit("of nobody's topic", version, "simple-" + version, "", -1, "nobody", 0, "");
      commit("of no partition", version, "simple-" + version, "", -1, "t", 9, "");
      commit("without a group", version, "", "", -1, "t", 0, "");
      commit("of 4096 letters", version, "simple-" + version, "", -1, "t", 0, "x".repeat(4096));
      commit("of 4097 letters", version, "simple-" + version, "", -1, "t", 0, "x".repeat(4097));
      commit("of 4096 umlauts", version, "simple-" + version, "", -1, "t", 0, "\u00e4".repeat(4096));
      commit("of 4097 umlauts", version, "simple-" + version, "", -1, "t", 0, "\u00e4".repeat(4097));
      commit("of 2048 letters in two units", version, "simple-" + version, "", -1, "t", 0, "\ud83d\ude00".repeat(2048));
      commit("of 2049 letters in two units", version, "simple-" + version, "", -1, "t", 0, "\ud83d\ude00".repeat(2049));
    }
    for (int version = 1; version <= 9; version++) {
      for (String name : List.of("simple-2", "nobody")) {
        for (boolean all : new boolean[] {false, true}) {
          if (all && version < 2) continue;
          var topic = new OffsetFetchRequestData.OffsetFetchRequestTopic().setName("t").setPartitionIndexes(List.of(0, 9));
          var topics = new OffsetFetchRequestData.OffsetFetchRequestTopics().setName("t").setPartitionIndexes(List.of(0, 9));
          var request = new OffsetFetchRequestData();
          if (version < 8) request.setGroupId(name).setTopics(all ? null : List.of(topic));
          else request.groups().add(new OffsetFetchRequestData.OffsetFetchRequestGroup().setGroupId(name).setTopics(all ? null : List.of(topics)));
          broker.ask("of " + name + (all ? ", all" : ""), ApiKeys.OFFSET_FETCH, version, request);
        }
      }
    }
    for (String name : List.of("simple-3", "nobody", "")) {
      var topic = new OffsetDeleteRequestData.OffsetDeleteRequestTopic().setName("t").setPartitions(List.of(
          new OffsetDeleteRequestData.OffsetDeleteRequestPartition().setPartitionIndex(0),
          new OffsetDeleteRequestData.OffsetDeleteRequestPartition().setPartitionIndex(9)));
      var topics = new OffsetDeleteRequestData.OffsetDeleteRequestTopicCollection();
      topics.add(topic);
      broker.ask("of '" + name + "'", ApiKeys.OFFSET_DELETE, 0, new OffsetDeleteRequestData().setGroupId(name).setTopics(topics));
    }
  }

  private void commit(String situation, int version, String group, String member, int generation, String topic, int partition, String note)
      throws Exception {
    var data = new OffsetCommitRequestData.OffsetCommitRequestTopic().setName(topic);
    data.partitions().add(new OffsetCommitRequestData.OffsetCommitRequestPartition().setPartitionIndex(partition).setCommittedOffset(1).setCommittedMetadata(note));
    var request = new OffsetCommitRequestData().setGroupId(group).setMemberId(member).setGenerationIdOrMemberEpoch(generation);
    request.topics().add(data);
    broker.ask(situation, ApiKeys.OFFSET_COMMIT, version, request);
  }

  private void rest() throws Exception {
    for (int version = 0; version <= 1; version++)
      broker.ask("of a type", ApiKeys.DESCRIBE_CLUSTER, version, version == 0 ? new DescribeClusterRequestData().setIncludeClusterAuthorizedOperations(true)
          : new DescribeClusterRequestData().setEndpointType((byte) 9));
  }
}

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.coordinator.group.generated.GroupMetadataKey;
import org.apache.kafka.coordinator.group.generated.GroupMetadataValue;
import org.apache.kafka.coordinator.group.generated.LegacyOffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.OffsetCommitKey;
import org.apache.kafka.coordinator.group.generated.OffsetCommitValue;

/**
 * Writes, to the file that its argument names, one line per message, version and filling: name, version, filling, bytes in hex.
 *
 * A message is filled by walking its schema, which knows what a version has and what may be null. It is then read and
 * written by the message's own class: those bytes are kept.
 */
public final class GoldenMessages {
    private enum Filling {
        /** Every field differs from its default and, as far as its type allows, from all others; two elements each. */
        FULL,
        /** Null where that is allowed, else nothing. */
        EMPTY,
        /** Nothing is null: empty texts and zeros, one element in each array. */
        ZERO
    }

    private static final List<ApiKeys> APIS = List.of(
        ApiKeys.PRODUCE, ApiKeys.FETCH, ApiKeys.LIST_OFFSETS, ApiKeys.METADATA, ApiKeys.OFFSET_COMMIT, ApiKeys.OFFSET_FETCH,
        ApiKeys.FIND_COORDINATOR, ApiKeys.JOIN_GROUP, ApiKeys.HEARTBEAT, ApiKeys.LEAVE_GROUP, ApiKeys.SYNC_GROUP,
        ApiKeys.DESCRIBE_GROUPS, ApiKeys.LIST_GROUPS, ApiKeys.API_VERSIONS, ApiKeys.CREATE_TOPICS, ApiKeys.DELETE_TOPICS,
        ApiKeys.DELETE_RECORDS, ApiKeys.INIT_PRODUCER_ID, ApiKeys.OFFSET_FOR_LEADER_EPOCH, ApiKeys.DESCRIBE_CONFIGS,
        ApiKeys.ALTER_CONFIGS, ApiKeys.DESCRIBE_LOG_DIRS, ApiKeys.CREATE_PARTITIONS, ApiKeys.DELETE_GROUPS,
        ApiKeys.ELECT_LEADERS, ApiKeys.INCREMENTAL_ALTER_CONFIGS, ApiKeys.ALTER_PARTITION_REASSIGNMENTS,
        ApiKeys.LIST_PARTITION_REASSIGNMENTS, ApiKeys.OFFSET_DELETE, ApiKeys.DESCRIBE_CLUSTER, ApiKeys.DESCRIBE_PRODUCERS,
        ApiKeys.UNREGISTER_BROKER, ApiKeys.DESCRIBE_TOPIC_PARTITIONS);

    private static PrintStream out;

    private final Filling filling;
    private int count = 0;

    private GoldenMessages(Filling filling) {
        this.filling = filling;
    }

    public static void main(String[] args) throws IOException {
        out = new PrintStream(args[0], StandardCharsets.US_ASCII);
        for (ApiKeys api : APIS) {
            for (short version = api.oldestVersion(); version <= api.latestVersion(false); version++) {
                for (Filling filling : Filling.values()) {
                    var fill = new GoldenMessages(filling);
                    fill.print(api.messageType.newRequest(), api.messageType.requestSchemas()[version], version);
                    fill.print(api.messageType.newResponse(), api.messageType.responseSchemas()[version], version);
                }
                printHeaders(api, version);
            }
        }
        for (Filling filling : Filling.values()) {
            for (short version = 0; version <= ConsumerProtocolSubscription.HIGHEST_SUPPORTED_VERSION; version++) {
                var fill = new GoldenMessages(filling);
                fill.printVersioned(new ConsumerProtocolSubscription(), ConsumerProtocolSubscription.SCHEMAS, version);
                fill.printVersioned(new ConsumerProtocolAssignment(), ConsumerProtocolAssignment.SCHEMAS, version);
            }
            for (short version = 0; version <= OffsetCommitValue.HIGHEST_SUPPORTED_VERSION; version++)
                new GoldenMessages(filling).printVersioned(new OffsetCommitValue(), OffsetCommitValue.SCHEMAS, version);
            for (short version = 0; version <= GroupMetadataValue.HIGHEST_SUPPORTED_VERSION; version++)
                new GoldenMessages(filling).printVersioned(new GroupMetadataValue(), GroupMetadataValue.SCHEMAS, version);
            var fill = new GoldenMessages(filling);
            fill.printKey("OffsetCommitKey", new LegacyOffsetCommitKey(), LegacyOffsetCommitKey.SCHEMAS);
            fill.printKey("OffsetCommitKey", new OffsetCommitKey(), OffsetCommitKey.SCHEMAS);
            fill.printKey("GroupMetadataKey", new GroupMetadataKey(), GroupMetadataKey.SCHEMAS);
        }
        out.close();
    }

    private static void printHeaders(ApiKeys api, short version) {
        for (String client : new String[] {"client-" + api.id, "", null}) {
            var header = new RequestHeader(api, version, client, 1_000_000 * (api.id + 1) + version);
            var kind = client == null ? "null" : client.isEmpty() ? "empty" : "full";
            line("RequestHeader/" + api.id, version, kind, bytes(header.data(), header.headerVersion()));
        }
        var response = new ResponseHeaderData().setCorrelationId(-1_000_000 * (api.id + 1) - version);
        line("ResponseHeader/" + api.id, version, "full", bytes(response, api.responseHeaderVersion(version)));
    }

    private void print(ApiMessage message, Schema schema, short version) {
        fill(message, schema, version);
        line(name(message), version, kind(), bytes(message, version));
    }

    private void printVersioned(Message message, Schema[] schemas, short version) {
        fill(message, schemas[version], version);
        line(name(message), version, kind(), MessageUtil.toVersionPrefixedByteBuffer(version, message));
    }

    /** The version of a key is the kind of its record. */
    private void printKey(String name, ApiMessage message, Schema[] schemas) {
        fill(message, schemas[0], (short) 0);
        line(name, message.apiKey(), kind(), MessageUtil.toCoordinatorTypePrefixedByteBuffer(message));
    }

    private void fill(Message message, Schema schema, short version) {
        Struct struct = struct(schema);
        ByteBuffer buffer = ByteBuffer.allocate(struct.sizeOf());
        struct.writeTo(buffer);
        buffer.flip();
        message.read(new ByteBufferAccessor(buffer), version);
        if (buffer.hasRemaining()) throw new IllegalStateException(name(message) + " left bytes over");
    }

    private Struct struct(Schema schema) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) struct.set(field, value(field.def.type));
        return struct;
    }

    private Object value(Type type) {
        if (filling == Filling.EMPTY && type.isNullable()) return null;
        if (type instanceof Schema schema) return struct(schema);
        if (type instanceof TaggedFields tagged) return tags(tagged);
        if (type.isArray()) return array(type.arrayElementType().get());
        boolean full = filling == Filling.FULL;
        int n = full ? ++count : 0;
        if (type.equals(Type.BOOLEAN)) return full;
        if (type.equals(Type.INT8)) return (byte) (n % 128);
        if (type.equals(Type.INT16)) return (short) (n == 0 ? 0 : 0x4000 + n);
        if (type.equals(Type.INT32)) return n == 0 ? 0 : 0x71000000 + n;
        if (type.equals(Type.INT64)) return n == 0 ? 0L : -0x6100000000000000L - n;
        if (type.equals(Type.UUID)) return new Uuid(full ? 0x0123456789abcdefL : 0, n);
        String name = type.toString();
        String text = full ? "text-" + n + (n % 3 == 0 ? "-\u00e4\u20ac" : "") : "";
        if (name.endsWith("STRING")) return text;
        if (name.endsWith("BYTES")) return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        if (name.endsWith("RECORDS"))
            return MemoryRecords.readableRecords(ByteBuffer.wrap(text.repeat(20).getBytes(StandardCharsets.UTF_8)));
        throw new IllegalStateException("no value for a " + name);
    }

    private Object[] array(Type element) {
        int size = switch (filling) {
            case FULL -> 2;
            case EMPTY -> 0;
            case ZERO -> 1;
        };
        List<Object> elements = new ArrayList<>();
        for (int i = 0; i < size; i++) elements.add(value(element));
        return elements.toArray();
    }

    private NavigableMap<Integer, Object> tags(TaggedFields tagged) {
        NavigableMap<Integer, Object> tags = new TreeMap<>();
        for (Map.Entry<Integer, Field> field : tagged.fields().entrySet())
            tags.put(field.getKey(), value(field.getValue().type));
        return tags;
    }

    private String kind() {
        return filling.name().toLowerCase();
    }

    private static String name(Message message) {
        String name = message.getClass().getSimpleName();
        return name.endsWith("Data") ? name.substring(0, name.length() - "Data".length()) : name;
    }

    private static ByteBuffer bytes(Message message, short version) {
        return MessageUtil.toByteBufferAccessor(message, version).buffer();
    }

    private static void line(String name, short version, String kind, ByteBuffer bytes) {
        byte[] raw = new byte[bytes.remaining()];
        bytes.get(raw);
        out.println(name + " " + version + " " + kind + " " + HexFormat.of().formatHex(raw));
    }
}

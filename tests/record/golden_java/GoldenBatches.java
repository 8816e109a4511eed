import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

/** Prints batches made by Kafka's own classes, one a line: name, tab, hex. See run.sh. */
public final class GoldenBatches {
  private static final long NOW = 1_700_000_000_000L;

  private static byte[] bytes(String text) {
    return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private interface Fill {
    void into(MemoryRecordsBuilder builder);
  }

  private static void print(String name, MemoryRecordsBuilder builder, Fill fill) {
    fill.into(builder);
    ByteBuffer buffer = builder.build().buffer();
    byte[] raw = new byte[buffer.remaining()];
    buffer.duplicate().get(raw);
    System.out.println(name + "\t" + HexFormat.of().formatHex(raw));
  }

  private static MemoryRecordsBuilder plain(Compression compression, TimestampType type, long baseOffset, long appendTime) {
    return MemoryRecords.builder(ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2, compression, type, baseOffset, appendTime,
        RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE, false, RecordBatch.NO_PARTITION_LEADER_EPOCH);
  }

  private static void three(MemoryRecordsBuilder builder) {
    builder.append(NOW, bytes("key-0"), bytes("value-0"));
    builder.append(NOW + 5, null, bytes("v".repeat(200)), new Header[] {new RecordHeader("h", bytes("1")), new RecordHeader("h", (byte[]) null)});
    builder.append(NOW - 7, bytes("key-2"), null, new Header[] {new RecordHeader("", new byte[0])});
  }

  public static void main(String[] args) {
    print("none", plain(Compression.NONE, TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP), GoldenBatches::three);
    print("gzip", plain(Compression.gzip().build(), TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP), GoldenBatches::three);
    print("snappy", plain(Compression.snappy().build(), TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP), GoldenBatches::three);
    print("lz4", plain(Compression.lz4().build(), TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP), GoldenBatches::three);
    print("zstd", plain(Compression.zstd().build(), TimestampType.CREATE_TIME, 0, RecordBatch.NO_TIMESTAMP), GoldenBatches::three);
    print("log-append-time", plain(Compression.NONE, TimestampType.LOG_APPEND_TIME, 42, NOW + 1000), GoldenBatches::three);
    print("idempotent", MemoryRecords.builder(ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 0,
        RecordBatch.NO_TIMESTAMP, 4711, (short) 3, Integer.MAX_VALUE - 1, false, 9), GoldenBatches::three);
    print("transactional", MemoryRecords.builder(ByteBuffer.allocate(1 << 16), RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 0,
        RecordBatch.NO_TIMESTAMP, 4711, (short) 3, 0, true, 9), GoldenBatches::three);
    MemoryRecords marker = MemoryRecords.withEndTransactionMarker(100, NOW, 9, 4711, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 5));
    byte[] raw = new byte[marker.buffer().remaining()];
    marker.buffer().duplicate().get(raw);
    System.out.println("commit-marker\t" + HexFormat.of().formatHex(raw));
    ByteBuffer empty = ByteBuffer.allocate(100);
    DefaultRecordBatch.writeEmptyHeader(empty, RecordBatch.MAGIC_VALUE_V2, 4711, (short) 3, 7, 50, 54, 9, TimestampType.CREATE_TIME, NOW, false, false);
    empty.flip();
    raw = new byte[empty.remaining()];
    empty.get(raw);
    System.out.println("empty\t" + HexFormat.of().formatHex(raw));
  }
}

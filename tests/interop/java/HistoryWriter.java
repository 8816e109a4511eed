import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes the history of one client process, as docs/histories.md has it; tests/judge/history_writer.py in Java.
 *
 * <p>Every line is handed to the operating system before the call returns, so that a client that is killed leaves all that it
 * had asked for. May be used by several threads. What is said is given as maps, lists, strings and numbers.
 */
final class HistoryWriter implements AutoCloseable {
  /** An operation that was asked for; its answer names it. */
  record Asked(String action, long number) {}

  private final FileOutputStream file;
  private final long process;
  private final String client;
  private long lines;
  private long values;

  HistoryWriter(Path path, long process, String client) throws IOException {
    this.file = new FileOutputStream(path.toFile(), true);
    this.process = process;
    this.client = client;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** A value that no other record of the run has. */
  synchronized long value() {
    return process << 40 | ++values;
  }

  /** Before the request leaves. Names and what they are take turns in `more`, in which null is left out. */
  Asked invoke(String action, Object... more) {
    return new Asked(action, write("invoke", action, "c", client, more));
  }

  void ok(Asked asked, Object... more) {
    write("ok", asked.action, "of", asked.number, more);
  }

  /** Only where the protocol says that nothing happened and nothing will. */
  void fail(Asked asked, Throwable error) {
    write("fail", asked.action, "of", asked.number, "err", nameOf(error));
  }

  /** Anything else that went wrong. */
  void info(Asked asked, Throwable error, Object... more) {
    Object[] all = new Object[more.length + 2];
    System.arraycopy(more, 0, all, 2, more.length);
    all[0] = "err";
    all[1] = nameOf(error);
    write("info", asked.action, "of", asked.number, all);
  }

  /** The reader was at `position`, and something made it begin at `to`. */
  void reset(String partition, long position, long to, Throwable error) {
    write("info", "reset", "c", client, "v", Map.of(partition, new long[] {position, to}), "err", nameOf(error));
  }

  /** The last line: the process is over. */
  void crash() {
    write("info", "crash", "c", client);
  }

  private static String nameOf(Throwable error) {
    return error.getClass().getSimpleName();
  }

  private synchronized long write(String type, String action, String name, Object said, Object... more) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("i", ++lines);
    line.put("t", System.nanoTime()); // CLOCK_MONOTONIC
    line.put("p", process);
    line.put("type", type);
    line.put("f", action);
    line.put(name, said);
    for (int at = 0; at < more.length; at += 2) {
      if (more[at + 1] != null) line.put((String) more[at], more[at + 1]);
    }
    StringBuilder text = new StringBuilder();
    put(line, text);
    try {
      file.write(text.append('\n').toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    return lines;
  }

  private static void put(Object said, StringBuilder text) {
    if (said instanceof Map<?, ?> members) {
      String before = "{";
      for (var member : members.entrySet()) {
        put(member.getKey(), text.append(before));
        put(member.getValue(), text.append(':'));
        before = ",";
      }
      text.append(members.isEmpty() ? "{}" : "}");
    } else if (said instanceof Iterable<?> elements) {
      String before = "";
      text.append('[');
      for (Object element : elements) {
        put(element, text.append(before));
        before = ",";
      }
      text.append(']');
    } else if (said instanceof long[] pair) {
      text.append('[').append(pair[0]).append(',').append(pair[1]).append(']');
    } else if (said instanceof String string) {
      text.append('"');
      for (char c : string.toCharArray()) {
        if (c == '"' || c == '\\') text.append('\\');
        if (c < ' ') {
          text.append(String.format("\\u%04x", (int) c));
        } else {
          text.append(c);
        }
      }
      text.append('"');
    } else {
      text.append(said); // a number, true, false or null
    }
  }
}

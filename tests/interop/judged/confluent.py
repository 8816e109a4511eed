"""Run by run.py: two producers, a reader and two members of the group, of which one comes and goes, in Python.

Usage: confluent.py FOLDER FIRST-PROCESS PARTITION...

Prints `ready`; at the line `stop` of standard input the producers end, which `stopped` tells; at the line
`final SECONDS PARTITION=OFFSET...` all is read once more until these offsets are passed, and the program ends. `fatal` and
a reason says that a producer could not go on. The programs in java/ and franz/ do the same.
"""

import itertools
import os
import pathlib
import sys
import threading
import time
import traceback

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from history_writer import HistoryWriter
from record import as_read, body

FOLDER = pathlib.Path(sys.argv[1])
PARTITIONS = sys.argv[3:]
GROUP = "mixed"
LIMIT = 60  # seconds of what may be tried again while the broker is away
COMMON = {"bootstrap.servers": os.environ["MQ_BROKERS"], "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500}
TOO_LARGE = b"x" * 2_000_000  # librdkafka refuses it, and sends nothing

processes = itertools.count(int(sys.argv[2]))
producers_end = threading.Event()
readers_end = threading.Event()


def history_of(client):
    process = next(processes)
    return HistoryWriter(FOLDER / f"{client}-{process}.jsonl", process, client)


def split(partition):
    topic, number = partition.rsplit("-", 1)
    return topic, int(number)


def name_of(partition):
    return f"{partition.topic}-{partition.partition}"


def topic_partition(name, *offset):
    return TopicPartition(*split(name), *offset)


class Sender:
    """One life of a producer, over when it is told to end or its library gives up."""

    def __init__(self, history, idempotent):
        self._history = history
        self._idempotent = idempotent
        self._fatal = None
        settings = {"acks": "all", "linger.ms": 5, "error_cb": self._failed}
        if idempotent:
            settings |= {"enable.idempotence": True, "compression.type": "lz4", "message.timeout.ms": LIMIT * 1000}
        else:
            settings |= {"message.send.max.retries": 0, "message.timeout.ms": 1500}  # tells at once that it does not know
        self._producer = Producer(COMMON | settings)

    def _failed(self, error):
        if error.fatal():
            self._fatal = error

    def live(self):
        turns = itertools.cycle(PARTITIONS)
        try:
            while not (producers_end.is_set() or self._fatal):
                turn_ends = time.monotonic() + 0.04
                for _ in range(20 if len(self._producer) < 500 else 0):
                    self._send(next(turns))
                while (left := turn_ends - time.monotonic()) > 0:
                    self._producer.poll(left)
            if not self._fatal and self._producer.flush(LIMIT) > 0:
                self._fatal = "records that are not answered"
        except KafkaException as failed:
            self._fatal = failed
        if self._fatal:
            print("fatal", self._fatal, flush=True)
            self._history.crash()

    def _send(self, partition):
        value = self._history.value()
        asked = self._history.invoke("send", v=[["send", partition, value]], idem=self._idempotent)
        topic, number = split(partition)

        def answered(error, message):
            if error:
                self._history.info(asked, error.name())  # what was tried before is not told
            else:
                self._history.ok(asked, v=[["send", partition, [message.offset(), value]]])

        data = TOO_LARGE if value % 1000 == 999 else body(partition, value)
        try:
            self._producer.produce(topic, partition=number, value=data, on_delivery=answered)
        except (BufferError, KafkaException) as refused:
            self._history.fail(asked, str(refused))  # it was not queued


def produce(client, idempotent):
    while not producers_end.is_set():
        with history_of(client) as history:
            Sender(history, idempotent).live()


def records(history, asked, messages, partitions, **more):
    """Writes the answer to a poll of these partitions. Returns the errors among the messages, and where each partition goes on."""
    seen = {name: [] for name in partitions}
    errors = []
    goes_on = {}
    for message in messages:
        if message.error():
            errors.append(message)
            continue
        name = f"{message.topic()}-{message.partition()}"
        seen.setdefault(name, []).append(as_read(message.offset(), message.value(), message.leader_epoch()))
        goes_on[name] = message.offset() + 1
    history.ok(asked, v=[["poll", seen]], **more)
    return errors, goes_on


class Reader:
    """Is assigned all partitions from the beginning, and asks now and then where they end."""

    def __init__(self, client):
        self.next = dict.fromkeys(PARTITIONS, 0)
        self._history = history_of(client)
        # What throws it out of its position is to be told, not mended.
        self._consumer = Consumer(COMMON | {"group.id": "nobody", "enable.auto.commit": False, "auto.offset.reset": "error"})
        self._assign()

    def _assign(self):
        asked = self._history.invoke("assign", v={name: at or "beginning" for name, at in self.next.items()})
        self._consumer.assign([topic_partition(name, at or OFFSET_BEGINNING) for name, at in self.next.items()])
        self._history.ok(asked)

    def poll(self):
        asked = self._history.invoke("poll")
        errors, goes_on = records(self._history, asked, self._consumer.consume(500, 0.2), PARTITIONS)
        self.next |= goes_on
        thrown = [m for m in errors if m.error().code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)]
        for message in thrown:
            name = f"{message.topic()}-{message.partition()}"
            self._history.reset(name, self.next[name], 0, message.error().name())
            self.next[name] = 0
        if thrown:
            self._assign()

    def ask_ends(self, name):
        asked = self._history.invoke("list_offsets", iso="rc")
        try:
            self._history.ok(asked, v={name: list(self._consumer.get_watermark_offsets(topic_partition(name), LIMIT))})
        except KafkaException as failed:
            self._history.info(asked, failed.args[0].name())

    def close(self):
        self._consumer.close()


def read():
    reader = Reader("confluent-reader")
    for turn in itertools.count():
        if readers_end.is_set():
            break
        reader.poll()
        if turn % 3 == 0:
            reader.ask_ends(PARTITIONS[turn // 3 % len(PARTITIONS)])
    reader.close()


class Member:
    """Its library shows no generation, so the lines have none. Commits what it has read."""

    def __init__(self, client):
        self._history = history_of(client)
        self._owned = set()
        self._changed = set()
        self._uncommitted = {}
        self._consumer = Consumer(COMMON | {"group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                                            "partition.assignment.strategy": "range", "session.timeout.ms": 10000,
                                            "heartbeat.interval.ms": 300})
        topics = sorted({split(name)[0] for name in PARTITIONS})
        asked = self._history.invoke("subscribe", g=GROUP, v=topics)
        self._consumer.subscribe(topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        self._history.ok(asked)

    def _assigned(self, _, partitions):
        self._owned = {name_of(p) for p in partitions}
        self._changed |= self._owned

    def _revoked(self, consumer, partitions):
        self.commit()
        self._lost(consumer, partitions)

    def _lost(self, _, partitions):
        self._changed |= {name_of(p) for p in partitions}
        self._owned.clear()
        self._uncommitted.clear()

    def poll(self):
        asked = self._history.invoke("poll", g=GROUP)
        messages = self._consumer.consume(300, 0.2)
        changed, self._changed = sorted(self._changed), set()
        _, goes_on = records(self._history, asked, messages, sorted(self._owned), **({"reb": changed} if changed else {}))
        self._uncommitted |= {name: at for name, at in goes_on.items() if name in self._owned}

    def commit(self):
        if not self._uncommitted:
            return
        asked = self._history.invoke("commit", g=GROUP, m=self._consumer.memberid(), v=self._uncommitted)
        try:
            told = self._consumer.commit(offsets=[topic_partition(*next_of) for next_of in self._uncommitted.items()], asynchronous=False)
            errors = [p.error.name() for p in told if p.error]
        except KafkaException as failed:
            errors = [failed.args[0].name()]
        if errors:
            self._history.info(asked, errors[0])  # of the last attempt; those before are not told
        else:
            self._history.ok(asked)
            self._uncommitted = {}

    def look_up(self):
        look_up(self._history, self._consumer)

    def close(self):
        self._consumer.close()


def look_up(history, consumer):
    """What the group has committed."""
    asked = history.invoke("committed", g=GROUP)
    try:
        told = consumer.committed([topic_partition(name) for name in PARTITIONS], LIMIT)
        errors = [p.error.name() for p in told if p.error]
    except KafkaException as failed:
        errors = [failed.args[0].name()]
    if errors:
        history.info(asked, errors[0])
    else:
        history.ok(asked, v={name_of(p): max(p.offset, -1) for p in told})


def be_member(client, seconds):
    """With `seconds`, leaves after so long and comes back as another."""
    while not readers_end.is_set():
        member = Member(client)
        leaves = time.monotonic() + seconds if seconds else float("inf")
        for turn in itertools.count():
            if readers_end.is_set() or time.monotonic() > leaves:
                break
            member.poll()
            member.commit()
            if turn % 10 == 5:
                member.look_up()
        member.close()


def read_finally(wanted, seconds):
    reader = Reader("confluent-final")
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(reader.next[name] <= last for name, last in wanted.items()):
        reader.poll()
    reader.close()
    with history_of("confluent-final-look-up") as history:
        consumer = Consumer(COMMON | {"group.id": GROUP})
        look_up(history, consumer)
        consumer.close()


def started(function, *arguments):
    """Runs it in a thread. When it ends with an exception, so does the program."""

    def run():
        try:
            function(*arguments)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def main():
    producers = [started(produce, "confluent-producer", True), started(produce, "confluent-plain-producer", False)]
    readers = [started(read), started(be_member, "confluent-member", 0), started(be_member, "confluent-passing-member", 7)]
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "stop":
            producers_end.set()
            for producer in producers:
                producer.join()
            print("stopped", flush=True)
        if words[0] == "final":
            readers_end.set()
            for reader in readers:
                reader.join()
            read_finally({name: int(last) for name, last in (word.split("=") for word in words[2:])}, float(words[1]))
            return
    os._exit(1)  # nobody is there any more


main()

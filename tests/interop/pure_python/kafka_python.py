"""Run by pure_python.sh: what kafka-python asks of a broker. The first thing that is not as it should be ends it."""

import itertools
import os
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, OffsetSpec, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetTimestamp
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import TopicAlreadyExistsError, TransactionalIdAuthorizationFailedError

BROKERS = {"bootstrap_servers": os.environ["MQ_BROKERS"]}
RECORDS = 1000
admin = KafkaAdminClient(**BROKERS)


def until(what, condition, limit=30):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        threading.Event().wait(0.02)


def refused(error, call, *arguments, **settings):
    try:
        call(*arguments, **settings)
    except error:
        return
    raise AssertionError(f"not refused with {error.__name__}")


def produce(topic, values, **settings):
    producer = KafkaProducer(**BROKERS, **settings)
    sent = [producer.send(topic, value, key=b"%d" % i, headers=[("n", b"%d" % i)]) for i, value in enumerate(values)]
    producer.flush(30)
    for each in sent:
        each.get(0)
    producer.close()


def read(topic, count, **settings):
    consumer = KafkaConsumer(**BROKERS, auto_offset_reset="earliest", enable_auto_commit=False, consumer_timeout_ms=20000, **settings)
    consumer.assign([TopicPartition(topic, 0)])
    messages = list(itertools.islice(consumer, count))
    consumer.close()
    assert len(messages) == count, f"{len(messages)} of {count} records of {topic}"
    return messages


def codecs():
    values = [b"%d the same words again and again " % i * 3 for i in range(RECORDS)]
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"kp-{codec}"
        admin.create_topics({topic: {"num_partitions": 1}})
        produce(topic, values, compression_type=None if codec == "none" else codec, linger_ms=50)
        messages = read(topic, RECORDS)
        assert [m.value for m in messages] == values, codec
        assert all(dict(m.headers)["n"] == m.key for m in messages)
    assert len(read("kp-zstd", 10, isolation_level="read_committed")) == 10


def large_records():
    admin.create_topics({"kp-large": {"configs": {"max.message.bytes": "9000000"}}})
    produce("kp-large", [b"x" * 8_000_000], max_request_size=10_000_000)
    assert len(read("kp-large", 1)[0].value) == 8_000_000


class Ticks:
    """A record for each partition in turn, until told to stop: polls return with records and not because their time is up.

    kafka-python 3.0 loses its assignment, against any broker, when the time of a poll is up amid a rebalance."""

    def __init__(self, topic, partitions):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(topic, partitions), daemon=True)
        self.thread.start()

    def run(self, topic, partitions):
        producer = KafkaProducer(**BROKERS)
        for i in itertools.count():
            if self.over.wait(0.01):
                break
            producer.send(topic, b"tick %d" % i, partition=i % partitions)
        producer.close()

    def stop(self):
        self.over.set()
        self.thread.join()


def group_of_three(assignor):
    topic, partitions = f"kp-{assignor.name}", 6
    admin.create_topics({topic: {"num_partitions": partitions}})
    values = {b"%d" % i for i in range(RECORDS)}
    produce(topic, values)
    ticks = Ticks(topic, partitions)
    owned, seen, leave = {}, set(), {}

    def member(name):
        consumer = KafkaConsumer(topic, **BROKERS, group_id=topic, auto_offset_reset="earliest", session_timeout_ms=10000,
                                 heartbeat_interval_ms=300, partition_assignment_strategy=[assignor])
        while not leave[name].is_set():
            for batch in consumer.poll(30000).values():
                seen.update(m.value for m in batch)
            owned[name] = {p.partition for p in consumer.assignment()}
        consumer.close()
        del owned[name]

    def shared_by(count):
        return len(owned) == count and all(owned.values()) and sorted(p for s in list(owned.values()) for p in s) == list(range(partitions))

    threads = []
    for name in range(3):
        leave[name] = threading.Event()
        threads.append(threading.Thread(target=member, args=(name,), daemon=True))
        threads[-1].start()
        until(f"{name + 1} share", lambda count=name + 1: shared_by(count))
    described = admin.describe_groups([topic])[topic]
    assert described["group_state"] == "Stable" and len(described["members"]) == 3, described
    leave[0].set()
    until("two share", lambda: shared_by(2))
    until("everything is read", lambda: values <= seen)
    for event in leave.values():
        event.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a member does not leave"
    ticks.stop()
    offsets = admin.list_group_offsets({topic: None})[topic]
    assert sum(o.offset for o in offsets.values()) == len(seen), (offsets, len(seen))
    assert next(g["group_type"] for g in admin.list_groups() if g["group_id"] == topic) == "classic"


def offsets_and_times():
    topic, partition = "kp-times", TopicPartition("kp-times", 0)
    admin.create_topics({topic: {}})
    start = int(time.time() * 1000) - 1_000_000
    producer = KafkaProducer(**BROKERS, acks=1, enable_idempotence=False)
    for last in [producer.send(topic, b"x", timestamp_ms=start + i * 1000) for i in range(100)]:
        last.get(10)

    def offset(spec):
        return admin.list_partition_offsets({partition: spec})[partition].offset

    # At once: what acks=1 was answered for is counted.
    assert offset(OffsetSpec.LATEST) == 100
    producer.send(topic, b"x", timestamp_ms=start + 100 * 1000).get(10)
    assert offset(OffsetTimestamp(start + 100 * 1000)) == 100
    producer.close()
    assert (offset(OffsetSpec.EARLIEST), offset(OffsetSpec.MAX_TIMESTAMP), offset(OffsetTimestamp(start + 41_500))) == (0, 100, 42)
    admin.delete_records({partition: 30})
    assert offset(OffsetSpec.EARLIEST) == 30


def administer():
    admin.create_topics({"kp-made": {"num_partitions": 2, "configs": {"retention.ms": "3600000"}}})
    refused(TopicAlreadyExistsError, admin.create_topics, {"kp-made": {}})
    admin.create_partitions({"kp-made": 5})
    assert len(admin.describe_topics(["kp-made"])[0]["partitions"]) == 5
    change = ConfigResource(ConfigResourceType.TOPIC, "kp-made", {"max.message.bytes": "65536"})
    assert admin.alter_configs([change])["topic"]["kp-made"] == "OK"
    configs = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "kp-made")])["topic"]["kp-made"]
    assert {name: row["value"] for name, row in configs.items()} == {"retention.ms": "3600000", "max.message.bytes": "65536"}
    admin.alter_group_offsets("kp-range", {TopicPartition("kp-range", 0): OffsetAndMetadata(5, "", -1)})
    assert admin.list_group_offsets({"kp-range": None})["kp-range"][TopicPartition("kp-range", 0)].offset == 5
    assert admin.delete_groups(["kp-range"]) == {"kp-range": "OK"}
    admin.delete_topics(["kp-made"])
    until("it is gone", lambda: "kp-made" not in admin.list_topics())
    transactional = KafkaProducer(**BROKERS, transactional_id="kp-tx")
    refused(TransactionalIdAuthorizationFailedError, transactional.init_transactions)


for name, check in {"codecs": codecs, "large records": large_records, "range group": lambda: group_of_three(RangePartitionAssignor),
                    "cooperative group": lambda: group_of_three(CooperativeStickyAssignor), "offsets and times": offsets_and_times,
                    "admin": administer}.items():
    began = time.monotonic()
    check()
    print(f"kafka-python, {name}: ok, {time.monotonic() - began:.1f} s", flush=True)

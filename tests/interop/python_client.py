"""Run by python.sh: producer, groups that come and go, static members and admin calls of confluent-kafka."""

import os
import subprocess
import sys
import threading
import time

from confluent_kafka import (OFFSET_BEGINNING, Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, KafkaException,
                             Producer, TopicPartition)
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec

DATA, BATCHES = sys.argv[1:3]
BROKERS = {"bootstrap.servers": os.environ["MQ_BROKERS"]}
admin = AdminClient(BROKERS)


def done(futures, limit=20):
    """The results of an admin call, by name; raises what failed."""
    return {key: future.result(limit) for key, future in futures.items()}


def refused(futures):
    """The error names of an admin call, all of whose parts must fail."""
    names = []
    for future in futures.values():
        try:
            raise AssertionError(f"not refused: {future.result(20)}")
        except KafkaException as error:
            names.append(error.args[0].name())
    return names


def until(what, condition, limit=40):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        threading.Event().wait(0.05)


def on_disk(*words):
    subprocess.run([BATCHES, *words], check=True)


def produce(topic, values, **settings):
    failures = []
    timestamps = settings.pop("timestamps", None)
    producer = Producer(BROKERS | settings)
    for index, value in enumerate(values):
        extra = {"timestamp": timestamps[index]} if timestamps else {}
        producer.produce(topic, value=value, key=b"%d" % index, on_delivery=lambda error, _: error and failures.append(error), **extra)
        producer.poll(0)
    assert producer.flush(30) == 0 and not failures, failures[:3]


def consume_all(topic, count):
    consumer = Consumer(BROKERS | {"group.id": "nobody", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    messages = []
    until(f"{count} records of {topic}", lambda: messages.extend(consumer.consume(count, 0.5)) or len(messages) >= count)
    consumer.close()
    assert all(m.error() is None for m in messages)
    return messages


def codecs_and_idempotence():
    values = [b"%d the same words again and again " % i * 3 for i in range(3000)]
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"once-{codec}"
        done(admin.create_topics([NewTopic(topic, 1)]))
        produce(topic, values, **{"compression.type": codec, "enable.idempotence": True, "linger.ms": 300, "batch.num.messages": 500})
        assert [m.value() for m in consume_all(topic, len(values))] == values, codec
        on_disk("--codec", codec, "--idempotent", "--records", str(len(values)), f"{DATA}/{topic}-0")


class Member:
    """A consumer in its own thread, which keeps what it owns and what it read."""

    def __init__(self, group, topic, strategy, static_id=None):
        self.owned = set()
        self.read = []
        self.assignments = 0
        self._uncommitted = False
        self._stop = threading.Event()
        settings = {"group.id": group, "auto.offset.reset": "earliest", "partition.assignment.strategy": strategy,
                    "session.timeout.ms": 10000, "heartbeat.interval.ms": 300, "enable.auto.commit": False}
        if static_id:
            settings["group.instance.id"] = static_id
        self._consumer = Consumer(BROKERS | settings)
        self._cooperative = strategy.startswith("cooperative")
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _assigned(self, consumer, partitions):
        self.assignments += 1
        self.owned |= {p.partition for p in partitions}
        (consumer.incremental_assign if self._cooperative else consumer.assign)(partitions)

    def _revoked(self, consumer, partitions):
        self._commit()
        self.owned -= {p.partition for p in partitions}
        (consumer.incremental_unassign if self._cooperative else lambda _: consumer.unassign())(partitions)

    def _commit(self):
        if not self._uncommitted:
            return
        try:
            self._consumer.commit(asynchronous=False)
            self._uncommitted = False
        except KafkaException as error:
            if error.args[0].code() != KafkaError.REBALANCE_IN_PROGRESS:  # later, then
                raise

    def _run(self):
        while not self._stop.is_set():
            messages = [m for m in self._consumer.consume(100, 0.1) if m.error() is None]
            self.read += [m.value() for m in messages]
            self._uncommitted = self._uncommitted or bool(messages)
            self._commit()
        self._consumer.close()

    def leave(self):
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.read


def shared_out(members, partitions):
    """Every partition is owned, none twice, and everybody has some."""
    owned = [p for member in members for p in member.owned]
    return sorted(owned) == list(range(partitions)) and all(m.owned for m in members)


def groups_that_come_and_go(strategy):
    topic = f"shared-{strategy}"
    partitions = 6
    done(admin.create_topics([NewTopic(topic, partitions)]))
    expected = []

    def more():
        values = [b"%d" % (len(expected) + i) for i in range(300)]
        produce(topic, values)
        expected.extend(values)

    def all_read():
        return len({value for member in everybody for value in member.read}) == len(expected)

    everybody = [Member(strategy, topic, strategy)]
    present = list(everybody)
    until("one owns all", lambda: shared_out(present, partitions))
    more()
    for _ in range(2):
        everybody.append(Member(strategy, topic, strategy))
        present.append(everybody[-1])
        until(f"{len(present)} share", lambda: shared_out(present, partitions))
        more()
    present.pop(0).leave()
    until("two share", lambda: shared_out(present, partitions))
    more()
    until("everything is read", all_read)

    described = admin.describe_consumer_groups([strategy])[strategy].result(20)
    assert described.state == ConsumerGroupState.STABLE and len(described.members) == 2, described.state
    for member in present:
        member.leave()
    assert sorted({v for m in everybody for v in m.read}) == sorted(expected)
    committed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(strategy)])[strategy].result(20)
    assert sum(p.offset for p in committed.topic_partitions) == len(expected), committed.topic_partitions
    done(admin.delete_consumer_groups([strategy]))
    assert strategy not in {g.group_id for g in admin.list_consumer_groups().result(20).valid}


def static_members_return():
    done(admin.create_topics([NewTopic("static", 4)]))
    members = [Member("static", "static", "range", f"seat-{i}") for i in range(2)]
    until("two share", lambda: shared_out(members, 4))
    owned_before = [set(m.owned) for m in members]
    assignments_before = members[1].assignments
    members[0].leave()  # a static member says no farewell
    members[0] = Member("static", "static", "range", "seat-0")
    until("the seat is taken again", lambda: members[0].owned)
    produce("static", [b"%d" % i for i in range(100)])
    until("everything is read", lambda: len(members[0].read + members[1].read) >= 100)
    assert [m.owned for m in members] == owned_before
    assert members[1].assignments == assignments_before, "the other member was disturbed"
    instances = {m.group_instance_id for m in admin.describe_consumer_groups(["static"])["static"].result(20).members}
    assert instances == {"seat-0", "seat-1"}, instances
    for member in members:
        member.leave()


def topics_and_configs():
    done(admin.create_topics([NewTopic("made", 2, config={"retention.ms": "3600000"})]))
    assert refused(admin.create_topics([NewTopic("made", 2)])) == ["TOPIC_ALREADY_EXISTS"]
    assert refused(admin.create_topics([NewTopic("bad name", 1)])) == ["TOPIC_EXCEPTION"]
    done(admin.create_partitions([NewPartitions("made", 5)]))
    until("five partitions", lambda: len(admin.list_topics("made", 10).topics["made"].partitions) == 5)

    resource = ConfigResource(ConfigResource.Type.TOPIC, "made")

    def config(name):
        return done(admin.describe_configs([resource]))[resource][name].value

    assert config("retention.ms") == "3600000"
    changes = [ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE),
               ConfigEntry("max.message.bytes", "65536", incremental_operation=AlterConfigOpType.SET)]
    done(admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, "made", incremental_configs=changes)]))
    assert (config("retention.ms"), config("max.message.bytes")) == ("604800000", "65536")
    bad = [ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)]
    assert refused(admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, "made", incremental_configs=bad)])) == ["INVALID_CONFIG"]

    done(admin.delete_topics(["made"]))
    until("it is gone", lambda: "made" not in admin.list_topics(timeout=10).topics)
    assert refused(admin.delete_topics(["made"])) == ["UNKNOWN_TOPIC_OR_PART"]
    cluster = admin.describe_cluster().result(20)
    assert len(cluster.nodes) == 1 and cluster.cluster_id


def offsets_and_times():
    done(admin.create_topics([NewTopic("timed", 1)]))
    start = int(time.time() * 1000) - 1_000_000
    produce("timed", [b"%d" % i for i in range(100)], timestamps=[start + i * 1000 for i in range(100)])
    assert [m.timestamp()[1] for m in consume_all("timed", 100)] == [start + i * 1000 for i in range(100)]

    partition = TopicPartition("timed", 0)

    def offset(spec):
        return done(admin.list_offsets({partition: spec}))[partition].offset

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 100
    assert offset(OffsetSpec.max_timestamp()) == 99
    assert offset(OffsetSpec.for_timestamp(start + 41_500)) == 42
    assert offset(OffsetSpec.for_timestamp(start + 42_000)) == 42
    consumer = Consumer(BROKERS | {"group.id": "nobody"})
    assert [p.offset for p in consumer.offsets_for_times([TopicPartition("timed", 0, start + 7_001)], 10)] == [8]
    assert [p.offset for p in consumer.offsets_for_times([TopicPartition("timed", 0, start + 10**7)], 10)] == [-1]

    assert done(admin.delete_records([TopicPartition("timed", 0, 30)]))[partition].low_watermark == 30
    assert offset(OffsetSpec.earliest()) == 30
    assert consumer.get_watermark_offsets(partition, 10) == (30, 100)
    consumer.close()
    assert consume_all("timed", 70)[0].offset() == 30


def records_at_fault():
    done(admin.create_topics([NewTopic("keyed", 1, config={"cleanup.policy": "compact"})]))
    # One batch: the topic is known before, and `flush`, which sends what has come so far, is not asked.
    producer = Producer(BROKERS | {"linger.ms": 2000})
    producer.list_topics("keyed", 30)
    outcomes = {}
    for index, key in enumerate([b"a", None, b"b", None, b"c"]):
        producer.produce("keyed", key=key, value=b"v", on_delivery=lambda error, _, i=index: outcomes.update({i: error and error.name()}))
    while len(producer) > 0:
        producer.poll(30)
    # The batch is refused as a whole; who is at fault is told so, the others that they were beside them.
    named, others = "INVALID_RECORD", "_INVALID_DIFFERENT_RECORD"
    assert outcomes == {0: others, 1: named, 2: others, 3: named, 4: others}, outcomes


def main():
    checks = [codecs_and_idempotence, topics_and_configs, offsets_and_times, records_at_fault, lambda: groups_that_come_and_go("range"),
              lambda: groups_that_come_and_go("cooperative-sticky"), static_members_return]
    names = ["codecs", "topics", "offsets", "records at fault", "range group", "cooperative group", "static members"]
    for name, check in zip(names, checks):
        began = time.monotonic()
        check()
        print(f"{name}: ok, {time.monotonic() - began:.1f} s", flush=True)


main()

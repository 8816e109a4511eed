"""Run by pure_python.sh: producers, a group that grows and shrinks, and what is refused, of aiokafka."""

import asyncio
import os

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TransactionalIdAuthorizationFailed

BROKERS = {"bootstrap_servers": os.environ["MQ_BROKERS"]}
RECORDS = 1000


async def until(what, condition, limit=30):
    for _ in range(limit * 50):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {limit} s: {what}")


async def produce(topic, values, **settings):
    async with AIOKafkaProducer(**BROKERS, **settings) as producer:
        for sent in [await producer.send(topic, value) for value in values]:
            await sent


async def read(topic, count):
    consumer = AIOKafkaConsumer(**BROKERS, auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    async with consumer:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]


async def codecs(admin):
    values = [b"%d the same words again and again " % i * 3 for i in range(RECORDS)]
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        await admin.create_topics([NewTopic(f"aio-{codec}", 1, 1)])
        await produce(f"aio-{codec}", values, compression_type=None if codec == "none" else codec, linger_ms=50)
        assert await read(f"aio-{codec}", RECORDS) == values, codec
    await admin.create_topics([NewTopic("aio-once", 1, 1)])
    await produce("aio-once", values, enable_idempotence=True)
    assert await read("aio-once", RECORDS) == values


async def group(admin):
    await admin.create_topics([NewTopic("aio-group", 6, 1)])
    await produce("aio-group", [b"%d" % i for i in range(RECORDS)])
    members, tasks, seen = [], [], set()

    async def follow(member):
        async for message in member:
            seen.add(message.value)

    def shared():
        return all(m.assignment() for m in members) and sorted(p.partition for m in members for p in m.assignment()) == list(range(6))

    for count in (1, 2, 3):
        members.append(AIOKafkaConsumer("aio-group", **BROKERS, group_id="aio-group", auto_offset_reset="earliest",
                                        session_timeout_ms=10000, heartbeat_interval_ms=300))
        await members[-1].start()
        tasks.append(asyncio.create_task(follow(members[-1])))
        await until(f"{count} share", shared)
    await members.pop(0).stop()
    await until("two share", shared)
    await until("everything is read", lambda: len(seen) == RECORDS)
    for member in members:
        await member.stop()
    await asyncio.gather(*tasks)
    offsets = await admin.list_consumer_group_offsets("aio-group")
    assert sum(o.offset for o in offsets.values()) == RECORDS, offsets


async def transactions_are_refused(_):
    producer = AIOKafkaProducer(**BROKERS, transactional_id="aio-tx")
    try:
        await asyncio.wait_for(producer.start(), 20)
    except TransactionalIdAuthorizationFailed:
        return
    finally:
        await producer.stop()
    raise AssertionError("a transactional id was taken")


async def main():
    admin = AIOKafkaAdminClient(**BROKERS)
    await admin.start()
    for check in (codecs, group, transactions_are_refused):
        await check(admin)
        print(f"aiokafka, {check.__name__}: ok", flush=True)
    await admin.close()


asyncio.run(main())

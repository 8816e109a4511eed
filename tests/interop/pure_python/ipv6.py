"""Run by ipv6.sh: ipv6.py BOOTSTRAP. A record through the address that the broker tells, by kafka-python and by aiokafka."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaConsumer, KafkaProducer

BROKERS = {"bootstrap_servers": sys.argv[1]}
READ = {**BROKERS, "auto_offset_reset": "earliest", "enable_auto_commit": False}


def kafka_python():
    producer = KafkaProducer(**BROKERS)
    producer.send("kp", b"x").get(20)
    producer.close()
    consumer = KafkaConsumer("kp", **READ, consumer_timeout_ms=20000)
    assert next(consumer).value == b"x"
    consumer.close()


async def aiokafka():
    async with AIOKafkaProducer(**BROKERS) as producer:
        await producer.send_and_wait("aio", b"x")
    async with AIOKafkaConsumer("aio", **READ) as consumer:
        assert (await asyncio.wait_for(consumer.getone(), 20)).value == b"x"


kafka_python()
asyncio.run(aiokafka())

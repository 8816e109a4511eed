"""A producer in a judged run with aiokafka, idempotent. Does what it is told, and says how it went, as confluent.py does."""

import asyncio
import itertools
import os
import pathlib
import sys

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from history_writer import HistoryWriter
from record import body


async def answered(history, asked, partition, value, sent):
    try:
        history.ok(asked, v=[["send", partition, [(await sent).offset, value]]])
    except KafkaError as failed:
        history.info(asked, type(failed).__name__)  # what was tried before is not told


async def produce(folder, process, partitions, ends):
    with HistoryWriter(folder / f"aiokafka-producer-{process}.jsonl", process, "aiokafka-producer") as history:
        producer = AIOKafkaProducer(bootstrap_servers=os.environ["MQ_BROKERS"].split(","), acks="all", enable_idempotence=True, linger_ms=5,
                                    request_timeout_ms=60000)
        await producer.start()
        answers = set()
        turns = itertools.cycle(partitions)
        while not ends.is_set():
            for partition in itertools.islice(turns, 10):
                topic, number = partition.rsplit("-", 1)
                value = history.value()
                asked = history.invoke("send", v=[["send", partition, value]])
                sent = await producer.send(topic, body(partition, value), partition=int(number))
                answer = asyncio.create_task(answered(history, asked, partition, value, sent))
                answers.add(answer)
                answer.add_done_callback(answers.discard)
            await asyncio.sleep(0.04)
        await producer.stop()
        await asyncio.gather(*answers)


async def main():
    folder, process, partitions = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    ends = asyncio.Event()
    producing = asyncio.create_task(produce(folder, process, partitions, ends))
    producing.add_done_callback(lambda task: task.exception() and os._exit(1))
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.split()[0] != "stop":
            return  # whoever reads, reads its records too
        ends.set()
        await producing
        print("stopped", flush=True)
    os._exit(1)  # nobody is there any more


asyncio.run(main())

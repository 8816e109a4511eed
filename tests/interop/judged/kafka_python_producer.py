"""A producer in a judged run with kafka-python, idempotent. Does what it is told, and says how it went, as confluent.py does."""

import itertools
import os
import pathlib
import sys
import threading

from history_writer import HistoryWriter
from kafka import KafkaProducer
from record import body

LIMIT = 60  # seconds of what may be tried again while a broker is away


def main():
    folder, process, partitions = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    ends = threading.Event()
    brokers = os.environ["MQ_BROKERS"].split(",")

    def produce():
        with HistoryWriter(folder / f"kafka-python-producer-{process}.jsonl", process, "kafka-python-producer") as history:
            producer = KafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True, linger_ms=5, reconnect_backoff_max_ms=500,
                                     max_block_ms=LIMIT * 1000, delivery_timeout_ms=LIMIT * 1000)
            turns = itertools.cycle(partitions)
            while not ends.wait(0.04):
                for _ in range(10):
                    send(history, producer, next(turns))
            producer.flush(LIMIT)
            producer.close()

    thread = threading.Thread(target=produce)
    thread.start()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.split()[0] == "stop":
            ends.set()
            thread.join()
            print("stopped", flush=True)
        else:
            return  # whoever reads, reads its records too
    os._exit(1)  # nobody is there any more


def send(history, producer, partition):
    topic, number = partition.rsplit("-", 1)
    value = history.value()
    asked = history.invoke("send", v=[["send", partition, value]])
    sent = producer.send(topic, body(partition, value), partition=int(number))
    sent.add_callback(lambda placed: history.ok(asked, v=[["send", partition, [placed.offset, value]]]))
    sent.add_errback(lambda error: history.info(asked, type(error).__name__))  # what was tried before is not told


main()

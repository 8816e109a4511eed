"""A run of real clients against one mqd that is killed again and again, judged by mq_check.

Usage: run.py keep|lose FOLDER MQ_CHECK [-- PROGRAM WORD...]...

keep: mqd is killed with -9 ten times, and every promise has to be kept.
lose: topics that do not wait for the disk, of which the newest records are cut off while mqd is away; mq_check has to say so.
MQ_SEED chooses the intervals.
"""

import os
import pathlib
import random
import signal
import sys
import threading

from confluent_kafka.admin import AdminClient, NewTopic
from history_writer import HistoryWriter
from kcat import Kcat
from stage import LIMIT, Mqd, Program, end_with_thread, fail, judge, pause, programs_given, read_to_the_end

TOPICS = {"orders": 4, "ledger": 2}
PARTITIONS = [f"{topic}-{number}" for topic, count in TOPICS.items() for number in range(count)]

LOSES = sys.argv[1] == "lose"
FOLDER, CHECK = pathlib.Path(sys.argv[2]), sys.argv[3]
HISTORIES = FOLDER / "histories"
KILLS, WARMUP, LIVENESS, FINAL = (3, 1, 1, 5) if LOSES else (12, 2, 5, LIMIT)


def cut_logs(rng):
    """Takes away the end of each partition's newest segment: some of it is noticed by mqd, the newest of it cannot be."""
    for name in PARTITIONS:
        newest = max((FOLDER / "data" / name).glob("*.log"))
        os.truncate(newest, max(0, newest.stat().st_size - rng.randrange(2048, 16384)))


def create_topics(brokers):
    config = {"segment.bytes": "1048576", "mq.flush": "async" if LOSES else "ack"}
    admin = AdminClient({"bootstrap.servers": brokers})
    for topic in admin.create_topics([NewTopic(name, count, config=config) for name, count in TOPICS.items()]).values():
        topic.result(LIMIT)


def run(mqd, programs, kcat, history, rng):
    for program in programs:
        program.wait_for("ready")
    history.phase("warmup")
    pause(WARMUP)

    history.phase("faults")
    for _ in range(KILLS):
        pause(rng.uniform(1.5, 5))
        history.fault("kill9", node=1)
        mqd.kill()
        if LOSES:
            cut_logs(rng)
        pause(rng.randrange(3) * rng.random())
        mqd.start()
        history.fault("heal")
    history.phase("heal")
    pause(1)
    history.phase("liveness")
    pause(LIVENESS)

    read_to_the_end(FOLDER, programs, kcat, history, FINAL)


def main():
    seed = int(os.environ.get("MQ_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    rng = random.Random(seed)
    signal.signal(signal.SIGTERM, lambda *_: fail("it was told to end"))
    threading.excepthook = end_with_thread
    HISTORIES.mkdir(parents=True)
    mqd = Mqd(FOLDER)
    programs = []
    kcat = None
    try:
        create_topics(mqd.brokers)
        programs += [Program(FOLDER, command, mqd.brokers, 1000 * number, PARTITIONS) for number, command in enumerate(programs_given(sys.argv[4:]), 1)]
        kcat = Kcat(HISTORIES, 100000, mqd.brokers, PARTITIONS)
        with HistoryWriter(HISTORIES / "run.jsonl", process=1, client="run") as history:
            history.run({"acks": -1, "idempotent": True, "flush": "async" if LOSES else "ack", "lag_max_ms": 30000, "positive_control": LOSES})
            run(mqd, programs, kcat, history, rng)
    finally:
        if kcat:
            kcat.stop_producing()
            kcat.stop_reading()
        for program in programs:
            program.kill()
        mqd.end()
    # Of a run that loses, a line for each kind.
    kept, anomalies = judge(CHECK, FOLDER, lambda line: not (LOSES and line.startswith(" ")))
    lost = any(a["broken"] for a in anomalies if a["code"] in ("A01", "A02"))
    gave_up = [f"{program.name}: {reason}" for program in programs for reason in program.fatal]
    print(*gave_up, sep="\n")
    if LOSES and not lost:
        fail("acknowledged records were taken away, and mq_check does not say so")
    if not LOSES and (gave_up or not kept):
        fail("see above" if gave_up else "a promise was broken")


main()

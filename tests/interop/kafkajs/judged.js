// A producer in a judged run with kafkajs, idempotent. Does what it is told, and says how it went, as judged/confluent.py beside
// this folder does; see there.
//
// Usage: judged.js FOLDER FIRST-PROCESS PARTITION...
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { Kafka, logLevel } = require('kafkajs');

const [folder, first, ...partitions] = process.argv.slice(2);
const own = Number(first);
const RECORDS = 5; // of one request
let ends = false;

const CRC = Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; ++bit) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});
const checkSum = (text) => ~[...Buffer.from(text)].reduce((crc, byte) => CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8), ~0) >>> 0;

// See judged/record.py.
function body(partition, value) {
  const text = `${partition} ${value} ${'.'.repeat(value % 180)} `;
  return text + checkSum(text).toString(16).padStart(8, '0');
}

// tests/judge/history_writer.py in JavaScript, as far as a producer needs it.
class HistoryWriter {
  constructor(file, number, client) {
    this.file = fs.openSync(file, 'a');
    this.number = number;
    this.client = client;
    this.lines = 0;
    this.values = 0;
  }

  // A number that a double holds exactly: `own` has 13 bits.
  value() { return this.number * 2 ** 40 + ++this.values; }

  write(more) {
    const { type, f, ...rest } = more;
    const t = process.hrtime.bigint(); // CLOCK_MONOTONIC, which all programs of a run share
    const line = JSON.stringify({ i: ++this.lines, t: 0, p: this.number, type, f, ...rest });
    fs.writeSync(this.file, `${line.replace('"t":0', `"t":${t}`)}\n`);
    return this.lines;
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function produce() {
  const history = new HistoryWriter(path.join(folder, `kafkajs-producer-${own}.jsonl`), own, 'kafkajs-producer');
  const kafka = new Kafka({
    clientId: 'js', brokers: process.env.MQ_BROKERS.split(','), logLevel: logLevel.NOTHING,
    retry: { retries: 200, initialRetryTime: 50, maxRetryTime: 300 },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let turn = 0; !ends; ++turn) {
    const name = partitions[turn % partitions.length];
    const dash = name.lastIndexOf('-');
    const topic = name.slice(0, dash);
    const values = Array.from({ length: RECORDS }, () => history.value());
    const of = history.write({ type: 'invoke', f: 'send', c: history.client, v: values.map((value) => ['send', name, value]) });
    try {
      const messages = values.map((value) => ({ partition: Number(name.slice(dash + 1)), value: body(name, value) }));
      const [{ baseOffset }] = await producer.send({ topic, acks: -1, messages });
      history.write({ type: 'ok', f: 'send', of, v: values.map((value, i) => ['send', name, [Number(baseOffset) + i, value]]) });
    } catch (error) {
      history.write({ type: 'info', f: 'send', of, err: `${error.type || error.name}` }); // what was tried before is not told
    }
    await pause(20);
  }
  await producer.disconnect();
}

const producing = produce().catch((error) => { console.error(error); process.exit(1); });
console.log('ready');
const orders = readline.createInterface({ input: process.stdin });
orders.on('line', async (line) => {
  if (!line.startsWith('stop')) process.exit(0); // whoever reads, reads its records too
  ends = true;
  await producing;
  console.log('stopped');
});
orders.on('close', () => process.exit(1)); // nobody is there any more

// Run by kafkajs.sh: producers, a group of three, offsets by time and admin calls of kafkajs.
'use strict';
const assert = require('node:assert');
const { CompressionTypes, ConfigResourceTypes, Kafka, Partitioners, logLevel } = require('kafkajs');

const RECORDS = 1000;
const kafka = new Kafka({ clientId: 'js', brokers: [process.env.MQ_BROKERS], logLevel: logLevel.NOTHING });
const admin = kafka.admin();
const value = (i) => `${i} the same words again and again`;

async function produce(topic, settings, sending) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...settings });
  await producer.connect();
  for (let from = 0; from < RECORDS; from += 100) {
    const messages = [];
    for (let i = from; i < from + 100; ++i) messages.push({ key: `${i}`, value: value(i), headers: { n: `${i}` } });
    await producer.send({ topic, messages, ...sending });
  }
  await producer.disconnect();
}

// Three members read everything and know each other's share; then all leave.
async function consume(groupId, topic) {
  const counts = new Map();
  const shares = new Map();
  const members = [1, 2, 3].map(() => kafka.consumer({ groupId, heartbeatInterval: 300, rebalanceTimeout: 10000 }));
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`read ${counts.size} of ${RECORDS}; shares ${JSON.stringify([...shares.values()])}`)), 60000);
    const look = () => {
      const owned = [...shares.values()].flat().sort();
      if (counts.size < RECORDS || shares.size < 3 || owned.join() !== '0,1,2') return;
      clearTimeout(limit);
      resolve();
    };
    members.forEach(async (member, index) => {
      try {
        member.on(member.events.GROUP_JOIN, ({ payload }) => { shares.set(index, payload.memberAssignment[topic] || []); look(); });
        await member.connect();
        await member.subscribe({ topic, fromBeginning: true });
        await member.run({
          eachMessage: async ({ message }) => {
            assert.strictEqual(message.headers.n.toString(), message.key.toString());
            counts.set(message.value.toString(), (counts.get(message.value.toString()) || 0) + 1);
            look();
          },
        });
      } catch (error) { reject(error); }
    });
  });
  const described = (await admin.describeGroups([groupId])).groups[0];
  assert.strictEqual(described.state, 'Stable');
  assert.strictEqual(described.members.length, 3);
  await Promise.all(members.map((member) => member.disconnect()));
  for (let i = 0; i < RECORDS; ++i) assert(counts.has(value(i)), `lost: ${value(i)}`);
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  assert.strictEqual(offsets.partitions.reduce((sum, p) => sum + Number(p.offset), 0), RECORDS);
}

async function administer() {
  const ends = await admin.fetchTopicOffsets('js-gzip');
  assert.strictEqual(ends.reduce((sum, p) => sum + Number(p.high), 0), RECORDS);
  const starts = await admin.fetchTopicOffsetsByTimestamp('js-gzip', 1);
  assert(starts.every((p) => p.offset === '0'));

  assert.strictEqual(await admin.createTopics({ topics: [{ topic: 'js-gzip', numPartitions: 3 }] }), false);
  await admin.createPartitions({ topicPartitions: [{ topic: 'js-made', count: 4 }] });
  const { topics } = await admin.fetchTopicMetadata({ topics: ['js-made'] });
  assert.strictEqual(topics[0].partitions.length, 4);
  const resource = { type: ConfigResourceTypes.TOPIC, name: 'js-made' };
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '60000' }] }] });
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ ...resource, configNames: ['retention.ms'] }] });
  assert.strictEqual(resources[0].configEntries[0].configValue, '60000');

  await admin.fetchTopicOffsets('js-once'); // kafkajs deletes from topics only whose leaders it has looked up
  await admin.deleteTopicRecords({ topic: 'js-once', partitions: [{ partition: 0, offset: '5' }] });
  const left = await admin.fetchTopicOffsets('js-once');
  assert.strictEqual(left.find((p) => p.partition === 0).low, '5');

  await admin.resetOffsets({ groupId: 'js-group', topic: 'js-gzip', earliest: true });
  await admin.deleteGroups(['js-group']);
  assert(!(await admin.listGroups()).groups.some((group) => group.groupId === 'js-group'));
  await admin.deleteTopics({ topics: ['js-made'] });
  assert(!(await admin.listTopics()).includes('js-made'));
}

async function main() {
  await admin.connect();
  await admin.createTopics({ topics: ['js-gzip', 'js-once', 'js-made'].map((topic) => ({ topic, numPartitions: 3 })) });
  await produce('js-gzip', {}, { compression: CompressionTypes.GZIP, acks: -1 });
  await produce('js-once', { idempotent: true, maxInFlightRequests: 1 }, { acks: -1 });
  console.log('produce: ok');
  await consume('js-group', 'js-gzip');
  console.log('groups: ok');
  await administer();
  console.log('admin: ok');
  await admin.disconnect();
}

main().catch((error) => { console.error('FAILED:', error); process.exit(1); });

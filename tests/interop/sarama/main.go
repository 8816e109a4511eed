// Run by sarama.sh: what sarama, as clients of several ages, and kafka-go ask of a broker. The first thing that is not as
// it should be ends the program.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const (
	records    = 1000
	partitions = 6
)

var brokers = []string{os.Getenv("MQ_BROKERS")}

func check(what string, err error) {
	if err != nil {
		log.Fatalf("FAILED: %s: %v", what, err)
	}
}

func require(holds bool, format string, args ...any) {
	if !holds {
		log.Fatalf("FAILED: "+format, args...)
	}
}

// until asks again until it holds, for at most half a minute.
func until(what string, holds func() bool) {
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		require(time.Now().Before(end), "not within its time: %s", what)
	}
}

func value(i int) string { return fmt.Sprintf("%d the same words again and again", i) }

// settings are those of a client that was written for Kafka `version`: sarama chooses the versions of its requests by it.
func settings(version sarama.KafkaVersion) *sarama.Config {
	config := sarama.NewConfig()
	config.Version = version
	config.Producer.Return.Successes = true
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func create(admin sarama.ClusterAdmin, topic string, count int32) {
	check("create "+topic, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: count, ReplicationFactor: 1}, false))
}

func produce(topic string, config *sarama.Config) {
	producer, err := sarama.NewSyncProducer(brokers, config)
	check("connect", err)
	messages := make([]*sarama.ProducerMessage, records)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(i)), Value: sarama.StringEncoder(value(i))}
	}
	check("produce to "+topic, producer.SendMessages(messages))
	check("close", producer.Close())
}

func read(topic string, config *sarama.Config) {
	consumer, err := sarama.NewConsumer(brokers, config)
	check("connect", err)
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	check("consume "+topic, err)
	for i := 0; i < records; i++ {
		select {
		case message := <-partition.Messages():
			require(string(message.Value) == value(i), "%s at %d: %s", topic, i, message.Value)
		case err := <-partition.Errors():
			check("consume "+topic, err)
		case <-time.After(20 * time.Second):
			log.Fatalf("FAILED: %d of %d records of %s", i, records, topic)
		}
	}
	check("close", partition.Close())
	check("close", consumer.Close())
}

func codecs(admin sarama.ClusterAdmin) {
	for codec := sarama.CompressionNone; codec <= sarama.CompressionZSTD; codec++ {
		topic := "sarama-" + codec.String()
		create(admin, topic, 1)
		config := settings(sarama.MaxVersion)
		config.Producer.Compression = codec
		config.Producer.Idempotent = true
		config.Producer.RequiredAcks = sarama.WaitForAll
		config.Net.MaxOpenRequests = 1
		produce(topic, config)
		read(topic, config)
	}
}

// aged goes through the main job with the requests of older clients.
func aged(admin sarama.ClusterAdmin) {
	for _, version := range []sarama.KafkaVersion{sarama.V0_11_0_0, sarama.V2_0_0_0, sarama.V2_3_0_0, sarama.DefaultVersion, sarama.V3_6_0_0} {
		topic := "aged-" + version.String()
		create(admin, topic, 1)
		produce(topic, settings(version)) // acks=1 is sarama's default
		// At once: what acks=1 was answered for is counted.
		client, err := sarama.NewClient(brokers, settings(version))
		check("connect", err)
		end, err := client.GetOffset(topic, 0, sarama.OffsetNewest)
		check("offsets", err)
		require(end == records, "%s ends at %d", topic, end)
		check("close", client.Close())
		read(topic, settings(version))
	}
}

// share is what the members of a group own and have read.
type share struct {
	mutex sync.Mutex
	owned map[string][]int32
	seen  map[string]bool
}

type member struct {
	*share
	name string
}

func (m member) Setup(session sarama.ConsumerGroupSession) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.owned[m.name] = nil
	for _, claimed := range session.Claims() {
		m.owned[m.name] = append(m.owned[m.name], claimed...)
	}
	return nil
}

func (m member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.mutex.Lock()
			m.seen[string(message.Value)] = true
			m.mutex.Unlock()
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

// sharedBy: every partition is owned, none twice, and everybody has some.
func (s *share) sharedBy(count int) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var all []int32
	for _, own := range s.owned {
		if len(own) == 0 {
			return false
		}
		all = append(all, own...)
	}
	slices.Sort(all)
	return len(s.owned) == count && slices.Equal(all, []int32{0, 1, 2, 3, 4, 5})
}

func group(admin sarama.ClusterAdmin, name string, strategy sarama.BalanceStrategy, version sarama.KafkaVersion) {
	create(admin, name, partitions)
	produce(name, settings(version))
	all := &share{owned: map[string][]int32{}, seen: map[string]bool{}}
	var leave []func()
	for i := 0; i < 3; i++ {
		leave = append(leave, join(all, name, fmt.Sprint("member-", i), strategy, version))
		until(fmt.Sprint(name, ": ", i+1, " share"), func() bool { return all.sharedBy(i + 1) })
	}
	described, err := admin.DescribeConsumerGroups([]string{name})
	check("describe "+name, err)
	require(described[0].State == "Stable" && len(described[0].Members) == 3, "%s: %+v", name, described[0])
	leave[0]()
	all.mutex.Lock()
	delete(all.owned, "member-0")
	all.mutex.Unlock()
	until(name+": two share", func() bool { return all.sharedBy(2) })
	until(name+": everything is read", func() bool {
		all.mutex.Lock()
		defer all.mutex.Unlock()
		return len(all.seen) == records
	})
	leave[1]()
	leave[2]()
	offsets, err := admin.ListConsumerGroupOffsets(name, map[string][]int32{name: {0, 1, 2, 3, 4, 5}})
	check("offsets of "+name, err)
	var sum int64
	for _, block := range offsets.Blocks[name] {
		sum += block.Offset
	}
	require(sum == records, "%s committed %d", name, sum)
	check("delete "+name, admin.DeleteConsumerGroup(name))
}

func administer(admin sarama.ClusterAdmin) {
	retention, soon := "3600000", "soon"
	check("create", admin.CreateTopic("made", &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"retention.ms": &retention}}, false))
	require(errors.Is(admin.CreateTopic("made", &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false), sarama.ErrTopicAlreadyExists),
		"a topic is made twice")
	check("partitions", admin.CreatePartitions("made", 5, nil, false))
	topics, err := admin.DescribeTopics([]string{"made"})
	check("describe", err)
	require(len(topics[0].Partitions) == 5, "%d partitions", len(topics[0].Partitions))
	change := func(value *string) error {
		return admin.IncrementalAlterConfig(sarama.TopicResource, "made",
			map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: value}}, false)
	}
	check("alter", change(&retention))
	require(change(&soon) != nil, "retention.ms=soon is taken")
	check("delete records", admin.DeleteRecords("sarama-none", map[int32]int64{0: 30}))
	check("delete", admin.DeleteTopic("made"))

	transactional := settings(sarama.MaxVersion)
	transactional.Producer.Idempotent = true
	transactional.Producer.RequiredAcks = sarama.WaitForAll
	transactional.Producer.Transaction.ID = "tx"
	transactional.Net.MaxOpenRequests = 1
	_, err = sarama.NewAsyncProducer(brokers, transactional)
	require(errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed), "transactions: %v", err)
}

func main() {
	admin, err := sarama.NewClusterAdmin(brokers, settings(sarama.MaxVersion))
	check("connect", err)
	codecs(admin)
	fmt.Println("sarama, codecs: ok")
	aged(admin)
	fmt.Println("sarama, older clients: ok")
	group(admin, "sarama-range", sarama.NewBalanceStrategyRange(), sarama.MaxVersion)
	group(admin, "sarama-sticky", sarama.NewBalanceStrategySticky(), sarama.DefaultVersion)
	fmt.Println("sarama, groups: ok")
	administer(admin)
	fmt.Println("sarama, admin: ok")
	kafkaGo()
	fmt.Println("kafka-go: ok")
}

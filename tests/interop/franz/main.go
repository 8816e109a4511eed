// Run by franz.sh: what franz-go and its admin package ask of a broker. The first thing that is not as it should be
// ends the program.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	records    = 2000
	partitions = 3
)

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

func connect(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(os.Getenv("MQ_BROKERS"))}, options...)...)
	check("connect", err)
	return client
}

func value(i int) string { return fmt.Sprintf("%d the same words again and again", i) }

// produce sends values 0 to records-1 idempotently, which is franz-go's default.
func produce(ctx context.Context, topic string, codec kgo.CompressionCodec) {
	client := connect(kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(200*time.Millisecond), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	defer client.Close()
	for i := 0; i < records; i++ {
		client.Produce(ctx, kgo.StringRecord(value(i)), func(_ *kgo.Record, err error) { check("produce to "+topic, err) })
	}
	check("flush", client.Flush(ctx))
}

// seen counts the values that the members of a group have read.
type seen struct {
	mutex  sync.Mutex
	counts map[string]int
}

func (s *seen) add(value string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.counts[value]++
}

func (s *seen) all() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.counts) == records
}

// consume reads a topic with three members at once, which leave when all of them together have read everything.
func consume(ctx context.Context, group, topic string, balancer kgo.GroupBalancer) {
	read := seen{counts: map[string]int{}}
	everything, stop := context.WithCancel(ctx)
	var members sync.WaitGroup
	for range partitions {
		members.Add(1)
		go func() {
			defer members.Done()
			client := connect(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(balancer), kgo.DisableAutoCommit(),
				kgo.BlockRebalanceOnPoll(), kgo.HeartbeatInterval(300*time.Millisecond))
			defer client.Close()
			for everything.Err() == nil {
				fetches := client.PollFetches(everything)
				fetches.EachRecord(func(r *kgo.Record) { read.add(string(r.Value)) })
				if fetches.NumRecords() > 0 {
					check("commit", client.CommitUncommittedOffsets(ctx))
				}
				client.AllowRebalance()
				if read.all() {
					stop()
				}
			}
		}()
	}
	members.Wait()
	stop()
	require(read.all(), "group %s read %d of %d", group, len(read.counts), records)
	for i := range records {
		require(read.counts[value(i)] == 1, "group %s read %q %d times", group, value(i), read.counts[value(i)])
	}
}

func administer(ctx context.Context, admin *kadm.Client) {
	retention := "3600000"
	_, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &retention}, "franz-made")
	check("create", err)
	_, err = admin.CreateTopic(ctx, 1, 1, nil, "franz-made")
	require(err != nil, "a topic was made twice")
	grown, err := admin.CreatePartitions(ctx, 3, "franz-made")
	check("add partitions", err)
	check("add partitions", grown.Error())

	size := "65536"
	altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &size}}, "franz-made")
	check("alter", err)
	check("alter", altered[0].Err)
	configs, err := admin.DescribeTopicConfigs(ctx, "franz-made")
	check("describe configs", err)
	found := map[string]string{}
	for _, config := range configs[0].Configs {
		found[config.Key] = config.MaybeValue()
	}
	require(found["retention.ms"] == retention && found["max.message.bytes"] == size, "configs are %v", found)

	topics, err := admin.ListTopics(ctx)
	check("list topics", err)
	require(len(topics["franz-made"].Partitions) == 4, "partitions are %v", topics["franz-made"].Partitions)

	lags, err := admin.Lag(ctx, "franz-range")
	check("lag", err)
	lag := lags["franz-range"]
	require(lag.Error() == nil && lag.State == "Empty" && lag.Lag.Total() == 0, "the group is %s and lags %d, %v", lag.State, lag.Lag.Total(), lag.Error())

	ends, err := admin.ListEndOffsets(ctx, "franz-none")
	check("end offsets", err)
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	require(total == records, "the ends add up to %d", total)
	later, err := admin.ListOffsetsAfterMilli(ctx, time.Now().Add(time.Hour).UnixMilli(), "franz-none")
	check("offsets by time", err)
	later.Each(func(o kadm.ListedOffset) {
		end, _ := ends.Lookup(o.Topic, o.Partition)
		require(o.Offset == end.Offset, "partition %d ends at %d, not %d", o.Partition, end.Offset, o.Offset)
	})

	groups, err := admin.DeleteGroups(ctx, "franz-range")
	check("delete group", err)
	check("delete group", groups["franz-range"].Err)
	gone, err := admin.DeleteTopics(ctx, "franz-made")
	check("delete topic", err)
	check("delete topic", gone["franz-made"].Err)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	client := connect()
	defer client.Close()
	admin := kadm.NewClient(client)

	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for name, codec := range codecs {
		_, err := admin.CreateTopic(ctx, partitions, 1, nil, "franz-"+name)
		check("create", err)
		produce(ctx, "franz-"+name, codec)
	}
	fmt.Println("produce: ok")
	consume(ctx, "franz-range", "franz-zstd", kgo.RangeBalancer())
	consume(ctx, "franz-cooperative", "franz-snappy", kgo.CooperativeStickyBalancer())
	consume(ctx, "franz-gzip", "franz-gzip", kgo.RoundRobinBalancer())
	consume(ctx, "franz-lz4", "franz-lz4", kgo.StickyBalancer())
	fmt.Println("groups: ok")
	administer(ctx, admin)
	fmt.Println("admin: ok")
}

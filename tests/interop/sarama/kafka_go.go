package main

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// kafkaGo: segmentio's client, whose writers, readers and groups know little of the protocol's newer versions.
func kafkaGo() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(brokers...)}
	write := func(topic string, codec kafka.Compression, acks kafka.RequiredAcks, at time.Time) {
		made, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}})
		check("create "+topic, err)
		check("create "+topic, made.Errors[topic])
		writer := &kafka.Writer{Addr: client.Addr, Topic: topic, Compression: codec, RequiredAcks: acks, BatchSize: records, BatchTimeout: 50 * time.Millisecond}
		messages := make([]kafka.Message, records)
		for i := range messages {
			messages[i] = kafka.Message{Key: []byte(fmt.Sprint(i)), Value: []byte(value(i)), Time: at.Add(time.Duration(i) * time.Second)}
		}
		check("write to "+topic, writer.WriteMessages(ctx, messages...))
		check("close", writer.Close())
	}
	read := func(reader *kafka.Reader, from int) {
		for i := from; i < records; i++ {
			message, err := reader.ReadMessage(ctx)
			check("read", err)
			require(string(message.Value) == value(i), "kafka-go reads %s at %d", message.Value, i)
		}
		check("close", reader.Close())
	}
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		topic := "kafkago-" + codec.String()
		if codec == 0 {
			topic = "kafkago-none"
		}
		write(topic, codec, kafka.RequireAll, start)
		read(kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: topic, MaxWait: 100 * time.Millisecond}), 0)
	}

	write("kafkago-timed", kafka.Gzip, kafka.RequireOne, start)
	timed := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: "kafkago-timed", MaxWait: 100 * time.Millisecond})
	check("seek by time", timed.SetOffsetAt(ctx, start.Add(time.Duration(records-10)*time.Second)))
	read(timed, records-10)
	read(kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: "kafkago-timed", GroupID: "kafkago", StartOffset: kafka.FirstOffset,
		MaxWait: 100 * time.Millisecond, HeartbeatInterval: 300 * time.Millisecond}), 0)
	committed, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: "kafkago", Topics: map[string][]int{"kafkago-timed": {0}}})
	check("offsets of kafkago", err)
	require(committed.Topics["kafkago-timed"][0].CommittedOffset == records, "kafka-go committed %+v", committed.Topics)
}

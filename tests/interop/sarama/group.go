package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// join has one more member consume `name`, as a group of that name; the function that it returns has it leave.
func join(all *share, name, id string, strategy sarama.BalanceStrategy, version sarama.KafkaVersion) func() {
	config := settings(version)
	config.ClientID = id
	config.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	group, err := sarama.NewConsumerGroup(brokers, name, config)
	check("join "+name, err)
	go func() {
		for err := range group.Errors() {
			check("group "+name, err)
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan struct{})
	go func() {
		defer close(left)
		for ctx.Err() == nil {
			check("consume as "+name, group.Consume(ctx, []string{name}, member{all, id}))
		}
		check("leave "+name, group.Close())
	}()
	return func() {
		cancel()
		<-left
	}
}

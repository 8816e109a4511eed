// A producer in a judged run with sarama, idempotent. The program is told what to do, and says how it went, as
// judged/confluent.py beside this folder does; see there.
//
// Usage: judged FOLDER FIRST-PROCESS PARTITION...
package main

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"mq/tests/interop/history"

	"github.com/IBM/sarama"
)

func split(partition string) (string, int32) {
	dash := strings.LastIndexByte(partition, '-')
	number, err := strconv.ParseInt(partition[dash+1:], 10, 32)
	if err != nil {
		log.Fatal(err)
	}
	return partition[:dash], int32(number)
}

// body: see judged/record.py.
func body(partition string, value int64) []byte {
	text := fmt.Sprintf("%s %d %s ", partition, value, strings.Repeat(".", int(value%180)))
	return fmt.Appendf(nil, "%s%08x", text, crc32.ChecksumIEEE([]byte(text)))
}

func connect() sarama.AsyncProducer {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Net.MaxOpenRequests = 1
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Retry.Max = 600
	config.Producer.Retry.Backoff = 100 * time.Millisecond
	config.Producer.Return.Successes = true
	producer, err := sarama.NewAsyncProducer(strings.Split(os.Getenv("MQ_BROKERS"), ","), config)
	if err != nil {
		log.Fatal(err)
	}
	return producer
}

// sent is what a message carries to its answer.
type sent struct {
	asked     history.Asked
	partition string
	value     int64
}

func produce(folder string, process int64, partitions []string, end <-chan struct{}) {
	lines := history.NewWriter(filepath.Join(folder, fmt.Sprintf("sarama-producer-%d.jsonl", process)), process, "sarama-producer")
	defer lines.Close()
	producer := connect()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		successes, errors := producer.Successes(), producer.Errors()
		for successes != nil || errors != nil {
			select {
			case message, open := <-successes:
				if !open {
					successes = nil
					continue
				}
				of := message.Metadata.(sent)
				lines.Ok(of.asked, history.Said{"v": []any{[]any{"send", of.partition, []int64{message.Offset, of.value}}}})
			case failed, open := <-errors:
				if !open {
					errors = nil
					continue
				}
				lines.Info(failed.Msg.Metadata.(sent).asked, failed.Err, nil) // what was tried before is not told
			}
		}
	}()
	turns := time.NewTicker(40 * time.Millisecond)
	defer turns.Stop()
	for turn := 0; ; {
		select {
		case <-end:
			producer.AsyncClose()
			<-answered
			return
		case <-turns.C:
		}
		for range 10 {
			partition := partitions[turn%len(partitions)]
			turn++
			topic, number := split(partition)
			value := lines.Value()
			asked := lines.Invoke("send", history.Said{"v": []any{[]any{"send", partition, value}}})
			producer.Input() <- &sarama.ProducerMessage{Topic: topic, Partition: number, Value: sarama.ByteEncoder(body(partition, value)),
				Metadata: sent{asked, partition, value}}
		}
	}
}

func main() {
	process, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		produce(os.Args[1], process, os.Args[3:], end)
	}()
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch strings.Fields(orders.Text())[0] {
		case "stop":
			close(end)
			<-ended
			fmt.Println("stopped")
		case "final":
			return // whoever reads, reads its records too
		}
	}
	os.Exit(1) // nobody is there any more
}

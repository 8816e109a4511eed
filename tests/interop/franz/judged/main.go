// A producer, a reader and a member of the group in a judged run. The program is told what to do, and says how it went, as
// judged/confluent.py beside this folder does; see there.
//
// Usage: judged FOLDER FIRST-PROCESS PARTITION...
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mq/tests/interop/history"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	group    = "mixed"
	limit    = 60 * time.Second // of what may be tried again while the broker is away
	tooLarge = 2_000_000        // the client refuses such a record, and sends nothing
)

var (
	folder       string
	processes    atomic.Int64
	partitions   []string
	producersEnd = make(chan struct{})
	readersEnd   = make(chan struct{})
)

func ended(channel chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

func historyOf(client string) *history.Writer {
	process := processes.Add(1)
	return history.NewWriter(filepath.Join(folder, fmt.Sprintf("%s-%d.jsonl", client, process)), process, client)
}

func connect(options ...kgo.Opt) *kgo.Client {
	common := []kgo.Opt{kgo.SeedBrokers(strings.Split(os.Getenv("MQ_BROKERS"), ",")...), kgo.RetryBackoffFn(func(int) time.Duration { return 200 * time.Millisecond }),
		kgo.RetryTimeout(limit)}
	client, err := kgo.NewClient(append(common, options...)...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func split(partition string) (string, int32) {
	dash := strings.LastIndexByte(partition, '-')
	number, err := strconv.ParseInt(partition[dash+1:], 10, 32)
	if err != nil {
		log.Fatal(err)
	}
	return partition[:dash], int32(number)
}

func nameOf(topic string, number int32) string { return fmt.Sprintf("%s-%d", topic, number) }

func topics() []string {
	found := map[string]bool{}
	for _, partition := range partitions {
		topic, _ := split(partition)
		found[topic] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// ---- bodies: see judged/record.py ----

func checkSum(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }

func body(partition string, value int64) []byte {
	text := fmt.Sprintf("%s %d %s ", partition, value, strings.Repeat(".", int(value%180)))
	return []byte(text + checkSum(text))
}

func asRead(record *kgo.Record) []any {
	words := strings.SplitN(string(record.Value), " ", 3)
	value, err := int64(0), error(nil)
	if len(words) == 3 {
		value, err = strconv.ParseInt(words[1], 10, 64)
	}
	if len(words) < 3 || err != nil || len(record.Value) < 8 {
		return []any{record.Offset, nil, history.Said{"bad": "no body of ours"}}
	}
	said := history.Said{"tp": words[0]}
	if text, sum := record.Value[:len(record.Value)-8], record.Value[len(record.Value)-8:]; checkSum(string(text)) != string(sum) {
		said["bad"] = "check sum"
	}
	return []any{record.Offset, value, record.LeaderEpoch, said}
}

// ---- the producer ----

func produce() {
	lines := historyOf("franz-producer")
	defer lines.Close()
	client := connect(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerLinger(5*time.Millisecond), kgo.RecordDeliveryTimeout(limit))
	defer client.Close()
	turn := 0
	for !ended(producersEnd) {
		for more := 20; more > 0 && client.BufferedProduceRecords() < 500; more-- {
			send(client, lines, partitions[turn%len(partitions)])
			turn++
		}
		pause(40 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		fmt.Println("fatal", err)
		lines.Crash()
	}
}

func pause(duration time.Duration) {
	select {
	case <-producersEnd:
	case <-time.After(duration):
	}
}

func send(client *kgo.Client, lines *history.Writer, partition string) {
	value := lines.Value()
	asked := lines.Invoke("send", history.Said{"v": []any{[]any{"send", partition, value}}})
	topic, number := split(partition)
	record := &kgo.Record{Topic: topic, Partition: number, Value: body(partition, value)}
	if value%1000 == 999 {
		record.Value = make([]byte, tooLarge)
	}
	client.Produce(context.Background(), record, func(placed *kgo.Record, err error) {
		switch {
		case err == nil:
			lines.Ok(asked, history.Said{"v": []any{[]any{"send", partition, []int64{placed.Offset, value}}}})
		case errors.Is(err, kerr.MessageTooLarge) && len(record.Value) == tooLarge:
			lines.Fail(asked, err) // the client puts no record in a batch that is larger than a batch may be
		default:
			lines.Info(asked, err, nil) // what was tried before is not told
		}
	})
}

// ---- readers ----

// poll waits a moment for records. Returns them by partition, with those that gave nothing, and the errors.
func poll(client *kgo.Client, of func() []string) (map[string][]any, []kgo.FetchError) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	fetches := client.PollRecords(ctx, 500)
	seen := map[string][]any{}
	for _, partition := range of() {
		seen[partition] = []any{}
	}
	fetches.EachRecord(func(record *kgo.Record) {
		name := nameOf(record.Topic, record.Partition)
		seen[name] = append(seen[name], asRead(record))
	})
	return seen, fetches.Errors()
}

// goesOn is where a reader goes on that has read these.
func goesOn(seen map[string][]any, next map[string]int64) {
	for partition, records := range seen {
		if len(records) > 0 {
			next[partition] = records[len(records)-1].([]any)[0].(int64) + 1
		}
	}
}

func told(seen map[string][]any) []any { return []any{[]any{"poll", seen}} }

// reader is assigned all partitions from the beginning, and asks now and then where they end.
type reader struct {
	lines  *history.Writer
	client *kgo.Client
	next   map[string]int64
}

func newReader(name string) *reader {
	r := &reader{lines: historyOf(name), next: map[string]int64{}}
	from := map[string]map[int32]kgo.Offset{}
	positions := map[string]any{}
	for _, partition := range partitions {
		topic, number := split(partition)
		if from[topic] == nil {
			from[topic] = map[int32]kgo.Offset{}
		}
		from[topic][number] = kgo.NewOffset().AtStart()
		positions[partition] = "beginning"
		r.next[partition] = 0
	}
	asked := r.lines.Invoke("assign", history.Said{"v": positions})
	// What throws it out of its position is to be told, not mended.
	r.client = connect(kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	r.lines.Ok(asked, nil)
	return r
}

func (r *reader) close() {
	r.client.Close()
	r.lines.Close()
}

func (r *reader) poll() {
	asked := r.lines.Invoke("poll", nil)
	seen, failed := poll(r.client, func() []string { return partitions })
	r.lines.Ok(asked, history.Said{"v": told(seen)})
	goesOn(seen, r.next)
	for _, failure := range failed {
		name := nameOf(failure.Topic, failure.Partition)
		var loss *kgo.ErrDataLoss
		if errors.As(failure.Err, &loss) { // it has gone back by itself
			r.lines.Reset(name, loss.ConsumedTo, loss.ResetTo, errors.New("DATA_LOSS"))
		} else if errors.Is(failure.Err, kerr.OffsetOutOfRange) {
			r.lines.Reset(name, r.next[name], 0, kerr.OffsetOutOfRange)
			r.seek(name)
		}
	}
}

// seek begins a partition anew.
func (r *reader) seek(partition string) {
	r.next[partition] = 0
	positions := history.Said{}
	for name, at := range r.next {
		positions[name] = at
	}
	asked := r.lines.Invoke("assign", history.Said{"v": positions})
	topic, number := split(partition)
	r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {number: {Epoch: -1, Offset: 0}}})
	r.lines.Ok(asked, nil)
}

func (r *reader) askEnds(admin *kadm.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	asked := r.lines.Invoke("list_offsets", nil)
	begins, err := admin.ListStartOffsets(ctx, topics()...)
	var ends kadm.ListedOffsets
	if err == nil {
		ends, err = admin.ListEndOffsets(ctx, topics()...)
	}
	if err = errors.Join(err, begins.Error(), ends.Error()); err != nil {
		r.lines.Info(asked, err, nil)
		return
	}
	found := history.Said{}
	ends.Each(func(end kadm.ListedOffset) {
		if begin, ok := begins.Lookup(end.Topic, end.Partition); ok {
			found[nameOf(end.Topic, end.Partition)] = []int64{begin.Offset, end.Offset}
		}
	})
	r.lines.Ok(asked, history.Said{"v": found})
}

func read() {
	r := newReader("franz-reader")
	defer r.close()
	admin := kadm.NewClient(r.client)
	for turn := 0; !ended(readersEnd); turn++ {
		r.poll()
		if turn%10 == 0 {
			r.askEnds(admin)
		}
	}
}

// ---- the member ----

// member of the group. Rebalances wait while its records are dealt with.
type member struct {
	lines       *history.Writer
	client      *kgo.Client
	uncommitted map[string]int64

	mutex   sync.Mutex // for what follows
	owned   map[string]bool
	changed map[string]bool
}

func newMember(name string) *member {
	m := &member{lines: historyOf(name), uncommitted: map[string]int64{}, owned: map[string]bool{}, changed: map[string]bool{}}
	asked := m.lines.Invoke("subscribe", history.Said{"g": group, "v": topics()})
	m.client = connect(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics()...), kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(300*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(m.assigned), kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost))
	m.lines.Ok(asked, nil)
	return m
}

func flat(byTopic map[string][]int32) []string {
	names := []string{}
	for topic, numbers := range byTopic {
		for _, number := range numbers {
			names = append(names, nameOf(topic, number))
		}
	}
	slices.Sort(names)
	return names
}

// assigned: the client has joined; it looks up what is committed after this.
func (m *member) assigned(_ context.Context, client *kgo.Client, given map[string][]int32) {
	me, generation := client.GroupMetadata()
	asked := m.lines.Invoke("sync", history.Said{"g": group, "m": me, "gen": generation})
	m.lines.Ok(asked, history.Said{"v": flat(given)})
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, name := range flat(given) {
		m.owned[name] = true
		m.changed[name] = true
	}
}

func (m *member) revoked(ctx context.Context, client *kgo.Client, taken map[string][]int32) {
	m.commit()
	m.lost(ctx, client, taken)
}

func (m *member) lost(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, name := range flat(taken) {
		delete(m.owned, name)
		m.changed[name] = true
		delete(m.uncommitted, name)
	}
}

func (m *member) poll() {
	asked := m.lines.Invoke("poll", history.Said{"g": group})
	seen, _ := poll(m.client, func() []string {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		return slices.Sorted(maps.Keys(m.owned))
	})
	me, generation := m.client.GroupMetadata()
	answer := history.Said{"m": me, "gen": generation, "v": told(seen)}
	m.mutex.Lock()
	if len(m.changed) > 0 {
		answer["reb"] = slices.Sorted(maps.Keys(m.changed))
		clear(m.changed)
	}
	goesOn(seen, m.uncommitted)
	m.mutex.Unlock()
	m.lines.Ok(asked, answer)
}

// commit tells which generation the request was of once it is over: until then the client does not show it.
func (m *member) commit() {
	m.mutex.Lock()
	offsets := history.Said{}
	wanted := map[string]map[int32]kgo.EpochOffset{}
	for name, next := range m.uncommitted {
		topic, number := split(name)
		if wanted[topic] == nil {
			wanted[topic] = map[int32]kgo.EpochOffset{}
		}
		wanted[topic][number] = kgo.EpochOffset{Epoch: -1, Offset: next}
		offsets[name] = next
	}
	m.mutex.Unlock()
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	asked := m.lines.Invoke("commit", history.Said{"g": group, "v": offsets})
	m.client.CommitOffsetsSync(ctx, wanted, func(_ *kgo.Client, request *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
		if err == nil {
			err = refusal(answer)
		}
		said := history.Said{}
		if request != nil {
			said = history.Said{"m": request.MemberID, "gen": request.Generation}
		}
		if err != nil {
			m.lines.Info(asked, err, said) // of the last attempt; those before are not told
			return
		}
		m.lines.Ok(asked, said)
		m.mutex.Lock()
		defer m.mutex.Unlock()
		clear(m.uncommitted)
	})
}

func refusal(answer *kmsg.OffsetCommitResponse) error {
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookUp asks what the group has committed.
func lookUp(lines *history.Writer, admin *kadm.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	asked := lines.Invoke("committed", history.Said{"g": group})
	found, err := admin.FetchOffsets(ctx, group)
	if err = errors.Join(err, found.Error()); err != nil {
		lines.Info(asked, err, nil)
		return
	}
	offsets := history.Said{}
	for _, partition := range partitions {
		offsets[partition] = int64(-1)
		topic, number := split(partition)
		if committed, ok := found.Lookup(topic, number); ok {
			offsets[partition] = committed.At
		}
	}
	lines.Ok(asked, history.Said{"v": offsets})
}

func beMember() {
	m := newMember("franz-member")
	defer m.lines.Close()
	defer m.client.CloseAllowingRebalance()
	admin := kadm.NewClient(m.client)
	for turn := 0; !ended(readersEnd); turn++ {
		m.poll()
		m.commit()
		m.client.AllowRebalance()
		if turn%10 == 5 {
			lookUp(m.lines, admin)
		}
	}
}

// ---- the end ----

func readFinally(words []string) {
	seconds, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		log.Fatal(err)
	}
	last := map[string]int64{}
	for _, word := range words[1:] {
		name, offset, _ := strings.Cut(word, "=")
		if last[name], err = strconv.ParseInt(offset, 10, 64); err != nil {
			log.Fatal(err)
		}
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	r := newReader("franz-final")
	isBehind := func() bool {
		for name, offset := range last {
			if r.next[name] <= offset {
				return true
			}
		}
		return false
	}
	for time.Now().Before(end) && isBehind() {
		r.poll()
	}
	lookUp(r.lines, kadm.NewClient(r.client))
	r.close()
}

func started(parts ...func()) *sync.WaitGroup {
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(part)
	}
	return &running
}

func main() {
	folder = os.Args[1]
	first, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	processes.Store(first - 1)
	partitions = os.Args[3:]
	producers := started(produce)
	readers := started(read, beMember)
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		switch words := strings.Fields(orders.Text()); words[0] {
		case "stop":
			close(producersEnd)
			producers.Wait()
			fmt.Println("stopped")
		case "final":
			close(readersEnd)
			readers.Wait()
			readFinally(words[1:])
			return
		}
	}
	os.Exit(1) // nobody is there any more
}

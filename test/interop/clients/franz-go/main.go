// One client family of harness/clients.ts: franz-go. The contract is told there.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type run struct {
	Codec        string
	First, Count int
}

type ask struct {
	Do, Bootstrap, Topic, Group, Values string
	Partitions, Count           int
	StartTime, Time             int64
	Runs                        []run
}

var speaking sync.Mutex

func say(event any) {
	line, err := json.Marshal(event)
	check(err)
	speaking.Lock()
	defer speaking.Unlock()
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	var a ask
	check(json.Unmarshal([]byte(os.Args[1]), &a))
	map[string]func(){"produce": a.produce, "consume": a.consume, "seek": a.seek, "member": a.member}[a.Do]()
}

func (a *ask) client(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(a.Bootstrap))...)
	check(err)
	return client
}

// What record i holds, and the largest batch that a producer makes of it.
func (a *ask) values() (kgo.Opt, func(i int) []byte) {
	if a.Values == "" {
		return kgo.ProducerBatchMaxBytes(1_000_012), func(i int) []byte { return fmt.Appendf(nil, "value-%d-%s", i, strings.Repeat("x", i%100)) }
	}
	file, err := os.ReadFile(a.Values)
	check(err)
	var values []string
	check(json.Unmarshal(file, &values))
	return kgo.ProducerBatchMaxBytes(32_000_000), func(i int) []byte { return []byte(values[i%len(values)]) }
}

func (a *ask) produce() {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	options, valueOf := a.values()
	produced := 0
	for _, run := range a.Runs {
		client := a.client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codecs[run.Codec]), options)
		for i := run.First; i < run.First+run.Count; i++ {
			record := &kgo.Record{
				Topic: a.Topic, Partition: int32(i % a.Partitions), Timestamp: time.UnixMilli(a.StartTime + int64(i)),
				Key: fmt.Appendf(nil, "key-%d", i), Value: valueOf(i),
			}
			if i%10 == 0 {
				record.Headers = []kgo.RecordHeader{{Key: "n", Value: []byte(strconv.Itoa(i))}}
			}
			client.Produce(context.Background(), record, func(_ *kgo.Record, err error) { check(err) })
		}
		check(client.Flush(context.Background()))
		client.Close()
		produced += run.Count
	}
	say(map[string]int{"produced": produced})
}

func (a *ask) from(offset kgo.Offset) *kgo.Client {
	partitions := map[int32]kgo.Offset{}
	for p := range a.Partitions {
		partitions[int32(p)] = offset
	}
	return a.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{a.Topic: partitions}))
}

// Reads until done says so.
func read(client *kgo.Client, done func() bool, each func(*kgo.Record)) {
	for !done() {
		fetches := client.PollFetches(context.Background())
		fetches.EachError(func(_ string, _ int32, err error) { check(err) })
		fetches.EachRecord(each)
	}
	client.Close()
}

func (a *ask) consume() {
	type seen struct {
		Count  int    `json:"count"`
		Digest string `json:"digest"`
	}
	digests, found := map[int32]hash.Hash{}, map[int32]*seen{}
	for p := range int32(a.Partitions) {
		digests[p], found[p] = sha256.New(), &seen{}
	}
	left := a.Count
	read(a.from(kgo.NewOffset().AtStart()), func() bool { return left <= 0 }, func(r *kgo.Record) {
		header := "-"
		for _, h := range r.Headers {
			if h.Key == "n" {
				header = string(h.Value)
			}
		}
		fmt.Fprintf(digests[r.Partition], "%d %d %s %s %s\n", r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, header)
		found[r.Partition].Count++
		left--
	})
	for p, digest := range digests {
		found[p].Digest = hex.EncodeToString(digest.Sum(nil))
	}
	say(map[string]any{"partitions": found})
}

func (a *ask) seek() {
	type first struct {
		Offset    int64  `json:"offset"`
		Timestamp int64  `json:"timestamp"`
		Key       string `json:"key"`
	}
	found := map[int32]first{}
	read(a.from(kgo.NewOffset().AfterMilli(a.Time)), func() bool { return len(found) == a.Partitions }, func(r *kgo.Record) {
		if _, already := found[r.Partition]; !already {
			found[r.Partition] = first{r.Offset, r.Timestamp.UnixMilli(), string(r.Key)}
		}
	})
	say(map[string]any{"found": found})
}

func (a *ask) member() {
	leaving, leave := context.WithCancel(context.Background())
	go func() {
		for input := bufio.NewScanner(os.Stdin); input.Scan() && input.Text() != "leave"; {
		}
		leave()
	}()

	held := map[int32]bool{}
	tell := func(change map[string][]int32, holds bool) {
		for _, p := range change[a.Topic] {
			if holds {
				held[p] = true
			} else {
				delete(held, p)
			}
		}
		say(map[string]any{"assigned": slices.Sorted(maps.Keys(held))})
	}
	gone := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { tell(lost, false) }
	client := a.client(
		kgo.ConsumerGroup(a.Group), kgo.ConsumeTopics(a.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, added map[string][]int32) { tell(added, true) }),
		kgo.OnPartitionsRevoked(gone), kgo.OnPartitionsLost(gone),
	)
	var records [][2]int64
	for leaving.Err() == nil {
		client.PollFetches(leaving).EachRecord(func(r *kgo.Record) { records = append(records, [2]int64{int64(r.Partition), r.Offset}) })
		if len(records) > 0 {
			// A broker that is away for a while: they are told of once a later commit covers them.
			if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
				log.Print(err)
			} else {
				say(map[string]any{"records": records})
				records = nil
			}
		}
		client.AllowRebalance()
	}
	client.Close()
	say(map[string]bool{"left": true})
}

package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// written counts what the library itself put on the wire: it asks for versions and metadata on its own.
type written struct{ sent atomic.Uint64 }

func (it *written) OnBrokerWrite(_ kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err == nil {
		it.sent.Add(1)
	}
}

func (it *written) OnBrokerConnect(kgo.BrokerMetadata, time.Duration, net.Conn, error) {}

// kafkaOf is a client with so many produce requests under way at once.
func kafkaOf(address string, atOnce int, count *written) (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(address), kgo.WithHooks(count), kgo.DefaultProduceTopic("orders"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.ProducerLinger(0), kgo.MaxProduceRequestsInflightPerBroker(atOnce), kgo.AllowAutoTopicCreation(),
	)
}

// kafkaParallel produces records from eight places at once, and has five requests under way on the connection.
func kafkaParallel(address string, requests int) (did tally, err error) {
	count := new(written)
	client, err := kafkaOf(address, 5, count)
	if err != nil {
		return did, err
	}
	defer client.Close()
	ctx := context.Background()
	// The first has the topic made.
	if err := client.ProduceSync(ctx, &kgo.Record{Value: []byte("an order")}).FirstErr(); err != nil {
		return did, err
	}
	failed := atOnce(8, requests, func(int) error {
		return client.ProduceSync(ctx, &kgo.Record{Value: []byte("an order")}).FirstErr()
	})
	if failed.failed > 0 {
		return did, fmt.Errorf("%d records were refused", failed.failed)
	}
	did.sent = count.sent.Load()
	return did, nil
}

// kafkaClient produces records one by one, and asks one of ten times for a partition that is not there.
func kafkaClient(address string, requests int) (did tally, err error) {
	count := new(written)
	client, err := kafkaOf(address, 1, count)
	if err != nil {
		return did, err
	}
	defer client.Close()
	ctx := context.Background()
	for at := range requests {
		if at%failEach != failEach-1 {
			if err := client.ProduceSync(ctx, &kgo.Record{Value: []byte("an order")}).FirstErr(); err != nil {
				return did, err
			}
			continue
		}
		failed, err := listOffsets(ctx, client)
		if err != nil {
			return did, err
		}
		if failed {
			did.failed++
		}
	}
	did.sent = count.sent.Load()
	return did, nil
}

// listOffsets asks for the offsets of partition 99.
func listOffsets(ctx context.Context, client *kgo.Client) (failed bool, err error) {
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Partition, partition.Timestamp = 99, -1
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic, topic.Partitions = "orders", []kmsg.ListOffsetsRequestTopicPartition{partition}
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID, request.Topics = -1, []kmsg.ListOffsetsRequestTopic{topic}
	response, err := client.Broker(1).Request(ctx, request)
	if err != nil {
		return false, err
	}
	return response.(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].ErrorCode != 0, nil
}

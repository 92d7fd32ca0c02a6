// Real clients of real servers for the tests that compare what was sent with what was counted, and a gRPC server.
//
// `load CLIENT ADDRESS CONNECTIONS REQUESTS` opens the connections one by one, sends on each REQUESTS requests, one after the
// other unless the client says otherwise, and prints how many requests left and how many were answered by a failure.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// tally is what one connection did.
type tally struct {
	sent, failed uint64
}

// client opens a connection, sends requests and closes it. One of failEach requests is one that must fail.
type client func(address string, requests int) (tally, error)

// failEach says how often a client asks for what is not there.
const failEach = 10

var clients = map[string]client{
	"amqp":           amqpClient,
	"grpc":           grpcClient,
	"grpc-streams":   grpcStreams,
	"grpc-mixed":     grpcMixed,
	"kafka":          kafkaClient,
	"kafka-parallel": kafkaParallel,
	"memcached":      memcachedClient,
	"mongodb":        mongodbClient,
	"mqtt":           mqttClient,
	"nats":           natsClient,
	"nats-mixed":     natsMixed,
	"zookeeper":      zookeeperClient,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 2 && arguments[0] == "serve-grpc" {
		return serveGrpc(arguments[1])
	}
	if len(arguments) != 4 || clients[arguments[0]] == nil {
		return fmt.Errorf("usage: load CLIENT ADDRESS CONNECTIONS REQUESTS, or load serve-grpc ADDRESS")
	}
	connections, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	requests, err := strconv.Atoi(arguments[3])
	if err != nil {
		return err
	}
	total, err := drive(clients[arguments[0]], arguments[1], connections, requests)
	if err != nil {
		return err
	}
	fmt.Printf("sent %d failed %d\n", total.sent, total.failed)
	return nil
}

// drive runs the connections at the same time, after one of its own: a verdict needs a first call.
func drive(use client, address string, connections, requests int) (total tally, err error) {
	var (
		lock sync.Mutex
		wait sync.WaitGroup
	)
	for range connections {
		wait.Add(1)
		go func() {
			defer wait.Done()
			one, failure := use(address, requests)
			lock.Lock()
			defer lock.Unlock()
			total.sent += one.sent
			total.failed += one.failed
			if failure != nil {
				err = failure
			}
		}()
	}
	wait.Wait()
	return total, err
}

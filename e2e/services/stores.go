package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/go-zookeeper/zk"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// memcachedClient sets and gets; one of ten increments what is no number.
func memcachedClient(address string, requests int) (did tally, err error) {
	client := memcache.New(address)
	client.Timeout, client.MaxIdleConns = 10*time.Second, 1
	defer client.Close()
	for at := range requests {
		did.sent++
		switch {
		case at%failEach == failEach-1:
			if _, err := client.Increment("order", 1); err == nil {
				return did, errors.New("a text was incremented")
			}
			did.failed++
		case at%2 == 0:
			err = client.Set(&memcache.Item{Key: "order", Value: []byte("an order")})
		default:
			_, err = client.Get("order")
		}
		if err != nil {
			return did, err
		}
	}
	return did, nil
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// zookeeperClient reads the root; one of ten reads what is not there.
func zookeeperClient(address string, requests int) (did tally, err error) {
	connection, events, err := zk.Connect([]string{address}, 2*time.Minute, zk.WithLogger(quiet{}))
	if err != nil {
		return did, err
	}
	defer connection.Close()
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	did.sent++
	for at := range requests {
		path := "/"
		if at%failEach == failEach-1 {
			path = "/" + absent
		}
		_, _, err := connection.Get(path)
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return did, err
		}
		did.add(err)
	}
	// Closing is a request too.
	did.sent++
	return did, nil
}

// mongodbClient inserts and finds; one of ten is a command that does not exist. The library asks who is there on its own, on
// every connection.
func mongodbClient(address string, requests int) (did tally, err error) {
	var sent, failed atomic.Uint64
	commands := &event.CommandMonitor{
		Started: func(context.Context, *event.CommandStartedEvent) { sent.Add(1) },
		Failed:  func(context.Context, *event.CommandFailedEvent) { failed.Add(1) },
	}
	pool := &event.PoolMonitor{Event: func(it *event.PoolEvent) {
		if it.Type == event.ConnectionReady {
			sent.Add(1)
		}
	}}
	server := &event.ServerMonitor{
		ServerHeartbeatStarted: func(*event.ServerHeartbeatStartedEvent) { sent.Add(1) },
	}
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address + "/?directConnection=true").
		SetMonitor(commands).SetPoolMonitor(pool).SetServerMonitor(server).
		SetMaxPoolSize(1).SetHeartbeatInterval(10 * time.Minute))
	if err != nil {
		return did, err
	}
	defer func() {
		if failure := client.Disconnect(context.Background()); err == nil {
			err = failure
		}
		did = tally{sent: sent.Load(), failed: failed.Load()}
	}()
	ctx := context.Background()
	orders := client.Database("shop").Collection("orders")
	for at := range requests {
		switch {
		case at%failEach == failEach-1:
			if err := client.Database("shop").RunCommand(ctx, bson.D{{Key: "noSuchCommand", Value: 1}}).Err(); err == nil {
				return did, errors.New("a command that is none was run")
			}
		case at%2 == 0:
			_, err = orders.InsertOne(ctx, bson.D{{Key: "name", Value: "an order"}})
		default:
			err = orders.FindOne(ctx, bson.D{{Key: "name", Value: "an order"}}).Err()
		}
		if err != nil {
			return did, fmt.Errorf("request %d: %w", at, err)
		}
	}
	return did, nil
}

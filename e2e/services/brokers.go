package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats.go"
	"github.com/rabbitmq/amqp091-go"
)

// amqpClient declares queues one by one; one of ten does not exist, which closes its channel.
func amqpClient(address string, requests int) (did tally, err error) {
	connection, err := amqp091.Dial("amqp://guest:guest@" + address + "/")
	if err != nil {
		return did, err
	}
	defer connection.Close()
	// The handshake has three: start, tune, open. Closing is one, too.
	did.sent += 4
	open := func() (*amqp091.Channel, error) {
		did.sent++
		return connection.Channel()
	}
	channel, err := open()
	if err != nil {
		return did, err
	}
	if _, err := channel.QueueDeclare("orders", false, false, false, false, nil); err != nil {
		return did, err
	}
	did.sent++
	for at := range requests {
		did.sent++
		if at%failEach != failEach-1 {
			if _, _, err := channel.Get("orders", true); err != nil {
				return did, err
			}
			continue
		}
		_, err := channel.QueueDeclarePassive(absent, false, false, false, false, nil)
		if failure := new(amqp091.Error); !errors.As(err, &failure) {
			return did, fmt.Errorf("a queue that is not there was found: %w", err)
		}
		did.failed++
		if channel, err = open(); err != nil {
			return did, err
		}
	}
	return did, nil
}

// mqttClient publishes with an acknowledgement, one by one.
func mqttClient(address string, requests int) (did tally, err error) {
	options := mqtt.NewClientOptions().AddBroker("tcp://" + address).SetKeepAlive(10 * time.Minute)
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		return did, token.Error()
	}
	did.sent++
	for range requests {
		token := client.Publish("shop/orders", 1, false, "an order")
		if token.Wait(); token.Error() != nil {
			return did, token.Error()
		}
		did.sent++
	}
	client.Disconnect(250)
	return did, nil
}

const subject = "shop.orders"

func natsServe(address string) (*nats.Conn, error) {
	service, err := nats.Connect("nats://" + address)
	if err != nil {
		return nil, err
	}
	_, err = service.Subscribe(subject, func(message *nats.Msg) {
		_ = message.Respond(message.Data)
	})
	if err != nil {
		return nil, err
	}
	return service, service.Flush()
}

// natsClient asks the server for a round trip again and again.
func natsClient(address string, requests int) (did tally, err error) {
	connection, err := nats.Connect("nats://" + address)
	if err != nil {
		return did, err
	}
	defer connection.Close()
	did.sent++
	for range requests {
		if err := connection.Flush(); err != nil {
			return did, err
		}
		did.sent++
	}
	return did, nil
}

// natsMixed lets one connection answer what eight workers of another ask.
func natsMixed(address string, requests int) (did tally, err error) {
	service, err := natsServe(address)
	if err != nil {
		return did, err
	}
	defer service.Close()
	connection, err := nats.Connect("nats://" + address)
	if err != nil {
		return did, err
	}
	defer connection.Close()
	ctx := context.Background()
	return atOnce(8, requests, func(at int) error {
		to := subject
		if at%failEach == failEach-1 {
			to = absent
		}
		_, err := connection.RequestWithContext(ctx, to, []byte("an order"))
		return err
	}), nil
}

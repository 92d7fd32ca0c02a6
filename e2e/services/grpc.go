package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The service is written by hand, as the generator would: Get answers or says NOT_FOUND, Watch sends three messages.
var service = grpc.ServiceDesc{
	ServiceName: "shop.Orders",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: get}},
	Streams:     []grpc.StreamDesc{{StreamName: "Watch", Handler: watch, ServerStreams: true}},
}

const absent = "absent"

func get(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	name := new(wrapperspb.StringValue)
	if err := decode(name); err != nil {
		return nil, err
	}
	if name.Value == absent {
		return nil, status.Error(codes.NotFound, "no such order")
	}
	return name, nil
}

func watch(_ any, stream grpc.ServerStream) error {
	name := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(name); err != nil {
		return err
	}
	for range 3 {
		if err := stream.SendMsg(name); err != nil {
			return err
		}
	}
	if name.Value == absent {
		// After its messages: only the trailers tell.
		return status.Error(codes.Unavailable, "the watch broke")
	}
	return nil
}

func serveGrpc(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(&service, struct{}{})
	return server.Serve(listener)
}

func dialGrpc(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func name(at int) *wrapperspb.StringValue {
	if at%failEach == failEach-1 {
		return wrapperspb.String(absent)
	}
	return wrapperspb.String("order")
}

func (it *tally) add(err error) {
	it.sent++
	if err != nil {
		it.failed++
	}
}

func unary(connection *grpc.ClientConn, at int) error {
	return connection.Invoke(context.Background(), "/shop.Orders/Get", name(at), new(wrapperspb.StringValue))
}

func streamed(connection *grpc.ClientConn, at int) error {
	stream, err := connection.NewStream(context.Background(), &service.Streams[0], "/shop.Orders/Watch")
	if err != nil {
		return err
	}
	if err := stream.SendMsg(name(at)); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(new(wrapperspb.StringValue)); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func grpcCalls(address string, requests int, call func(*grpc.ClientConn, int) error) (did tally, err error) {
	connection, err := dialGrpc(address)
	if err != nil {
		return did, err
	}
	defer connection.Close()
	for at := range requests {
		did.add(call(connection, at))
	}
	return did, nil
}

func grpcClient(address string, requests int) (tally, error) {
	return grpcCalls(address, requests, unary)
}

func grpcStreams(address string, requests int) (tally, error) {
	return grpcCalls(address, requests, streamed)
}

// grpcMixed has eight calls under way at once on the one connection.
func grpcMixed(address string, requests int) (did tally, err error) {
	connection, err := dialGrpc(address)
	if err != nil {
		return did, err
	}
	defer connection.Close()
	return atOnce(8, requests, func(at int) error {
		if at%2 == 0 {
			return unary(connection, at)
		}
		return streamed(connection, at)
	}), nil
}

// atOnce shares the requests among some workers.
func atOnce(workers, requests int, call func(int) error) (did tally) {
	var (
		lock sync.Mutex
		wait sync.WaitGroup
	)
	for worker := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for at := worker; at < requests; at += workers {
				err := call(at)
				lock.Lock()
				did.add(err)
				lock.Unlock()
			}
		}()
	}
	wait.Wait()
	return did
}

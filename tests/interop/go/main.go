// An unmodified grpc-go client and server, speaking the same lines as their Python twins.
//
//	interop serve name:zone:version:latency_ms ...  prints {name: port}; ends with its standard input
//	interop call target calls-per-second streams    prints its counts every 100 ms; ends with its standard input
//
// The messages of governor.demo.v1 begin with a string in field 1, as StringValue does: no generated code is needed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	_ "google.golang.org/grpc/xds"
)

const (
	service = "governor.demo.v1.Checkout"
	place   = "/" + service + "/PlaceOrder"
	follow  = "/" + service + "/FollowOrders"
	keys    = 211
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: interop serve|call ...")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "call":
		rate, _ := strconv.ParseFloat(os.Args[3], 64)
		streams, _ := strconv.Atoi(os.Args[4])
		call(os.Args[2], rate, streams)
	}
}

type backend struct {
	name    string
	latency time.Duration
}

func (b *backend) place(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	if err := decode(new(wrapperspb.StringValue)); err != nil {
		return nil, err
	}
	time.Sleep(b.latency)
	return wrapperspb.String(b.name), nil
}

func (b *backend) follow(_ any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
		return err
	}
	for {
		if err := stream.SendMsg(wrapperspb.String(b.name)); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func serve(described []string) {
	ports := map[string]int{}
	for _, each := range described {
		parts := strings.Split(each, ":")
		ms, _ := strconv.Atoi(parts[3])
		b := &backend{parts[0], time.Duration(ms) * time.Millisecond}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		server := grpc.NewServer()
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: service,
			HandlerType: (*any)(nil),
			Methods:     []grpc.MethodDesc{{MethodName: "PlaceOrder", Handler: b.place}},
			Streams:     []grpc.StreamDesc{{StreamName: "FollowOrders", Handler: b.follow, ServerStreams: true}},
		}, b)
		healthpb.RegisterHealthServer(server, health.NewServer())
		go func() { log.Fatal(server.Serve(listener)) }()
		ports[b.name] = listener.Addr().(*net.TCPAddr).Port
	}
	tell(ports)
	io.Copy(io.Discard, os.Stdin)
}

type counts struct {
	sync.Mutex
	Calls    map[string]int    `json:"calls"`
	Errors   map[string]int    `json:"errors"`
	Keys     map[string]string `json:"keys"`
	Messages int               `json:"messages"`
	Broken   int               `json:"broken"`
}

func (c *counts) fail(what string, err error) {
	c.Errors[what+status.Code(err).String()+": "+status.Convert(err).Message()]++
}

func call(target string, rate float64, streams int) {
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	first := new(wrapperspb.StringValue)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := conn.Invoke(ctx, place, wrapperspb.String(""), first, grpc.WaitForReady(true)); err != nil {
		log.Fatal(err)
	}
	c := &counts{Calls: map[string]int{}, Errors: map[string]int{}, Keys: map[string]string{}}
	go steady(conn, c, rate)
	for range streams {
		go hold(conn, c)
	}
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			c.Lock()
			tell(c)
			c.Unlock()
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}

func steady(conn *grpc.ClientConn, c *counts, rate float64) {
	number := 0
	for range time.Tick(time.Duration(float64(time.Second) / rate)) {
		key := fmt.Sprintf("key-%d", number%keys)
		number++
		go once(conn, c, key)
	}
}

func once(conn *grpc.ClientConn, c *counts, key string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := new(wrapperspb.StringValue)
	err := conn.Invoke(metadata.AppendToOutgoingContext(ctx, "x-hash-key", key), place, wrapperspb.String(key), done)
	c.Lock()
	defer c.Unlock()
	if err != nil {
		c.fail("", err)
		return
	}
	c.Calls[done.Value]++
	c.Keys[key] = done.Value
}

func hold(conn *grpc.ClientConn, c *counts) {
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-hash-key", "stream")
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, follow)
	if err == nil {
		err = stream.SendMsg(wrapperspb.String("stream"))
	}
	if err == nil {
		err = stream.CloseSend()
	}
	for err == nil {
		if err = stream.RecvMsg(new(wrapperspb.StringValue)); err == nil {
			c.Lock()
			c.Messages++
			c.Unlock()
		}
	}
	c.Lock()
	defer c.Unlock()
	c.Broken++
	if err != io.EOF {
		c.fail("stream ", err)
	}
}

func tell(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

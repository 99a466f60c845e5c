"""The interceptor chain: what surrounds every call of a gRPC service, on grpc.aio and on gRPC-Web alike."""

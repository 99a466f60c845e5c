"""An xDS-enabled gRPC server: `python -m tests.interop.xds_server <host:port>`, with GRPC_XDS_BOOTSTRAP.

Its answers carry the serial of the caller's certificate as the instance. It ends when its standard input does.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from gateway.proto import demo_pb2 as pb
from gateway.tls.peers import peer_of
from tests.interop.backends import SERVICE


def _answer(context: Any) -> pb.Done:
    peer = peer_of(context.auth_context())
    return pb.Done(instance=peer.serial if peer else "nobody")


def _place(request: pb.Order, context: Any) -> pb.Done:
    return _answer(context)


def _follow(request: pb.Order, context: Any) -> Iterator[pb.Done]:
    while context.is_active():
        yield _answer(context)
        time.sleep((request.every_ms or 200) / 1000)


def _serve(address: str) -> None:
    read, write = pb.Order.FromString, pb.Done.SerializeToString
    handlers = {
        "PlaceOrder": grpc.unary_unary_rpc_method_handler(_place, read, write),
        "FollowOrders": grpc.unary_stream_rpc_method_handler(_follow, read, write),
    }
    server = grpc.server(ThreadPoolExecutor(16), xds=True, options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    plain = grpc.insecure_server_credentials()
    server.add_secure_port(address, grpc.xds_server_credentials(plain))
    server.start()
    sys.stdin.read()
    server.stop(None).wait()


if __name__ == "__main__":
    _serve(sys.argv[1])

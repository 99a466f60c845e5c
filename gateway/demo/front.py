"""Calls through the Envoy: native gRPC, gRPC-Web, and one long stream to each service."""

import asyncio
import http.client
import ssl
import struct
from functools import lru_cache

import grpc

from gateway.demo.guarded import Guarded
from gateway.demo.shop import FRONT_NAME, SHOP, Offer
from gateway.demo.traffic import CALL_S, Call, Tally, follow, metadata_of, steady, together, unary
from gateway.proto import demo_pb2 as pb

NATIVE_RATE = 18.0
WEB_RATE = 3.0
START_S = 0.05
_TRAILERS = 0x80  # flag of the last frame of a gRPC-Web answer (PROTOCOL-WEB.md)


async def call_through(address: str, tally: Tally, *, guarded: Guarded | None = None, load: float = 1.0) -> None:
    """Call until cancelled; `address` is the Envoy's host:port. With `guarded` it speaks TLS."""
    await _listening(address)
    works = [tally.keep()]
    # One channel for all services: Envoy tells them apart by the method's path.
    async with _channel(address, guarded) as channel:
        for offer in SHOP:
            works.append(steady(unary(channel, offer), rate=load * NATIVE_RATE / len(SHOP), tally=tally))
            works.append(steady(web(address, offer, guarded=guarded), rate=load * WEB_RATE / len(SHOP), tally=tally))
            works.append(follow(channel, offer, tally=tally))
        await together(*works)


def _channel(address: str, guarded: Guarded | None) -> grpc.aio.Channel:
    if guarded is not None:
        return guarded.front_channel(address, name=FRONT_NAME)
    return grpc.aio.insecure_channel(address, options=(("grpc.max_reconnect_backoff_ms", 2000),))


async def _listening(address: str) -> None:
    """Wait for the Envoy: it listens once the control plane has told it where."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(START_S)
            continue
        writer.close()
        return


def web(address: str, offer: Offer, *, guarded: Guarded | None = None) -> Call:
    """The short call of `offer` as a browser would make it."""

    async def call(who: str) -> str:
        roots_pem = guarded.roots_pem if guarded is not None else b""
        return await asyncio.to_thread(_post, address, offer.unary_path, who, roots_pem)

    return call


def _post(address: str, path: str, who: str, roots_pem: bytes) -> str:
    message = pb.Order(customer=who).SerializeToString()
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **dict(metadata_of(who))}
    connection = http.client.HTTPConnection(address, timeout=CALL_S)
    try:
        if roots_pem:
            connection.connect()
            connection.sock = _trusting(roots_pem).wrap_socket(connection.sock, server_hostname=FRONT_NAME)
        connection.request("POST", path, struct.pack(">BI", 0, len(message)) + message, headers)
        body = connection.getresponse().read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    return _message(body).instance


@lru_cache(maxsize=4)
def _trusting(roots_pem: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=roots_pem.decode())


def _message(body: bytes) -> pb.Done:
    """The message in the first frame; an answer without one carries only an error."""
    if len(body) < 5 or body[0] & _TRAILERS:
        raise OSError("gRPC-Web answer without a message")
    (length,) = struct.unpack(">I", body[1:5])
    return pb.Done.FromString(body[5 : 5 + length])

"""The server that govctl talks to, and how it wants its answers shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import grpc

from gateway.cli.failures import USAGE, Failure, failure_of
from gateway.cli.tls import Tls
from gateway.proto import common_pb2

CALL_S = 10.0
PAGE = 500
Output = Literal["table", "json"]
Answer = TypeVar("Answer")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Server:
    """An address, the token for it, the form of the output, and how to connect."""

    address: str
    token: str
    output: Output
    tls: Tls = Tls()  # noqa: RUF009  (immutable)

    @cached_property
    def channel(self) -> grpc.Channel:
        """The one connection of this run."""
        credentials = self.tls.credentials()
        if credentials is None:
            return grpc.insecure_channel(self.address)
        return grpc.secure_channel(self.address, credentials)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What says who is calling."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def call(self, method: Callable[..., Answer], request: Any) -> Answer:
        """One call; Failure when it is refused."""
        with self.failing():
            return method(request, metadata=self.metadata, timeout=CALL_S)

    def stream(self, method: Callable[..., Any], request: Any) -> Iterator[Any]:
        """The answers of a server stream until it ends; Failure when it breaks."""
        with self.failing():
            yield from method(request, metadata=self.metadata)

    def pages(self, method: Callable[..., Any], request: Any, items: str) -> list[Any]:
        """Everything a paged list holds; `items` is the field of the answers that has them."""
        found: list[Any] = []
        while True:
            answer = self.call(method, request)
            found += getattr(answer, items)
            if not answer.next_page_token:
                return found
            request.page.CopyFrom(common_pb2.PageRequest(page_size=PAGE, page_token=answer.next_page_token))

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Turn a gRPC error into a Failure."""
        try:
            yield
        except grpc.RpcError as error:
            raise failure_of(error, self.address, self.tls.hint) from None


def split_service(text: str) -> tuple[str, str]:
    """(namespace, name) of `name` or `namespace/name`."""
    namespace, slash, name = text.rpartition("/")
    if slash and not namespace:
        raise Failure(f"{text!r} is not a service: give its name, or namespace/name", USAGE)
    return namespace or "default", name


def check_token(token: str) -> str:
    """`token` without the white space round it; Failure when it cannot be sent in a header."""
    token = token.strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Failure("the token holds characters that no token has", USAGE)
    return token

"""The client side of gRPC's TLS: a channel whose certificate changes while calls are made."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from gateway.tls.pair import Pair, check_valid
from governance.kernel.clock import now
from governance.kernel.errors import Invalid
from governance.pki.pem import chain_from_pem

# How often it is looked whether the old connection still stands while the new one is being made.
_LOOK_S = 0.2
Option = tuple[str, Any]


def channel_credentials_of(pair: Pair | None, *, roots_pem: bytes) -> grpc.ChannelCredentials:
    """Credentials that show `pair` (None shows nothing) and trust servers below `roots_pem` alone."""
    chain_from_pem(roots_pem, field="roots_pem")
    if pair is None:
        return grpc.ssl_channel_credentials(roots_pem)
    check_valid(pair, now())
    return grpc.ssl_channel_credentials(roots_pem, pair.key_pem, pair.chain_pem)


class _Line:
    """One channel with one certificate. It is closed once it is retired and its last call has ended."""

    def __init__(self, channel: grpc.aio.Channel, pair: Pair | None) -> None:
        self.channel = channel
        self.pair = pair
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        self._open += 1
        self._idle.clear()

    def end(self, _call: object = None) -> None:
        self._open -= 1
        if not self._open:
            self._idle.set()

    @property
    def stands(self) -> bool:
        """Whether calls get through over it now, with a certificate that has not expired."""
        connected = self.channel.get_state() is grpc.ChannelConnectivity.READY
        return connected and (self.pair is None or now() < self.pair.not_after)

    async def idle(self) -> None:
        await self._idle.wait()


class _Calls:
    """Makes the calls of one method, each over the line that is in force when it begins."""

    def __init__(self, current: Callable[[], _Line], make: Callable[[grpc.aio.Channel], Any]) -> None:
        self._current = current
        self._make = make
        self._made: tuple[_Line, Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        line = self._current()
        if self._made is None or self._made[0] is not line:
            self._made = line, self._make(line.channel)
        line.begin()
        try:
            call = self._made[1](*args, **kwargs)
            call.add_done_callback(line.end)
        except BaseException:
            line.end()
            raise
        return call


class HotChannel(grpc.aio.Channel):
    """A channel over mutual TLS on which generated stubs work; `use` changes its certificate and its trust.

    gRPC's clients never read their credentials again, so a change makes another channel. Calls under way end on the
    one they began on, which is closed after the last of them; its connection goes when those calls are let go of.
    """

    def __init__(
        self,
        target: str,
        pair: Pair | None,
        *,
        roots_pem: bytes,
        options: Sequence[Option] = (),
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
    ) -> None:
        self._target = target
        # Channels with the same target and options share connections; this one's are to end with it.
        self._options = (*options, ("grpc.use_local_subchannel_pool", 1))
        self._interceptors = interceptors
        self._shown = pair, roots_pem
        self._lines: set[_Line] = set()
        self._line = self._connect(pair, roots_pem)
        self._waiting: _Line | None = None  # what the latest `use` made, until calls change over to it
        self._changing: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pair(self) -> Pair | None:
        """What new calls show."""
        return self._line.pair

    def use(self, pair: Pair | None, *, roots_pem: bytes, at_once: bool = False) -> None:
        """Show `pair` and trust `roots_pem` from now on; Invalid for what could never work, and nothing changes then.

        New calls change over once the new connection stands; until then they take the old one, as long as that works:
        a server that does not know the new certificate yet costs no call. With `at_once` they change over now. A
        later `use` replaces one that is still waiting.
        """
        if self._closed:
            raise Invalid("the channel is closed")
        if (pair, roots_pem) == self._shown and not at_once:
            return
        fresh = self._connect(pair, roots_pem)
        self._shown = pair, roots_pem
        if self._changing is not None:
            self._changing.cancel()
        if self._waiting is not None:
            self._retire(self._waiting)
        self._waiting = fresh
        if at_once:
            self._change_to(fresh)
        else:
            self._changing = asyncio.get_running_loop().create_task(self._change(fresh))

    async def settled(self) -> None:
        """Wait until new calls show what the latest `use` said."""
        while (changing := self._changing) is not None and not changing.done():
            await asyncio.wait({changing})

    async def _change(self, fresh: _Line) -> None:
        ready = asyncio.ensure_future(fresh.channel.channel_ready())
        try:
            while self._line.stands and not ready.done():
                await asyncio.wait({ready}, timeout=_LOOK_S)
        finally:
            ready.cancel()
        self._change_to(fresh)

    def _change_to(self, fresh: _Line) -> None:
        old, self._line, self._waiting = self._line, fresh, None
        self._retire(old)

    def _retire(self, line: _Line) -> None:
        task = asyncio.get_running_loop().create_task(self._close_when_idle(line))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _close_when_idle(self, line: _Line) -> None:
        await line.idle()
        await line.channel.close()
        self._lines.discard(line)

    def _connect(self, pair: Pair | None, roots_pem: bytes) -> _Line:
        channel = grpc.aio.secure_channel(
            self._target,
            channel_credentials_of(pair, roots_pem=roots_pem),
            options=self._options,
            interceptors=self._interceptors or None,
        )
        line = _Line(channel, pair)
        self._lines.add(line)
        return line

    def _calls(self, kind: str, method: str, *given: Any, **more: Any) -> Any:
        return _Calls(lambda: self._line, lambda channel: getattr(channel, kind)(method, *given, **more))

    # Stubs pass serializers, and flags of their own that differ between versions of gRPC.
    def unary_unary(self, method: str, *given: Any, **more: Any) -> Any:
        """Makes calls with one request and one response."""
        return self._calls("unary_unary", method, *given, **more)

    def unary_stream(self, method: str, *given: Any, **more: Any) -> Any:
        """Makes calls with one request and a stream of responses."""
        return self._calls("unary_stream", method, *given, **more)

    def stream_unary(self, method: str, *given: Any, **more: Any) -> Any:
        """Makes calls with a stream of requests and one response."""
        return self._calls("stream_unary", method, *given, **more)

    def stream_stream(self, method: str, *given: Any, **more: Any) -> Any:
        """Makes calls with a stream of requests and a stream of responses."""
        return self._calls("stream_stream", method, *given, **more)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """The state of the connection that new calls take."""
        return self._line.channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until that connection is in another state; one that is replaced meanwhile ends in SHUTDOWN."""
        await self._line.channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until that connection stands."""
        await self._line.channel.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """End all calls, those under way after `grace` seconds."""
        self._closed = True
        working = [*self._retiring, *([self._changing] if self._changing is not None else [])]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await asyncio.gather(*(line.channel.close(grace) for line in self._lines))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

"""Whatever bytes arrive, however they are cut: a handler sees whole messages or nothing."""

import asyncio
import base64
from itertools import pairwise

import hypothesis
from hypothesis import strategies as st

from gateway.interceptors.call import Refusal
from gateway.interceptors.server import Context
from gateway.rpc.sonora import Limits
from gateway.rpc.sonora.frames import Frames
from tests.gateway.sonora.wire import TEXT, frame, headers, post, served

payloads = st.lists(st.binary(max_size=50), max_size=6)
places = st.lists(st.integers(0, 400), max_size=8)


def cut(body: bytes, at: list[int]) -> list[bytes]:
    bounds = [0, *sorted(min(place, len(body)) for place in at), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


@hypothesis.given(payloads, places, st.booleans())
def test_messages_do_not_depend_on_where_the_network_cuts_the_body(
    sent: list[bytes], at: list[int], text: bool
) -> None:
    body = b"".join(map(frame, sent))
    frames = Frames(text=text, limit_bytes=50)
    got = [message for piece in cut(base64.b64encode(body) if text else body, at) for message in frames.feed(piece)]
    frames.finish()
    assert got == sent


@hypothesis.given(st.binary(max_size=200), places, st.booleans())
def test_any_other_bytes_are_refused_and_never_kept_beyond_the_limit(body: bytes, at: list[int], text: bool) -> None:
    frames = Frames(text=text, limit_bytes=50)
    got: list[bytes] = []
    try:
        for piece in cut(body, at):
            got += frames.feed(piece)
            assert len(frames._buffer) <= 5 + 50
        frames.finish()
    except Refusal:
        return
    assert text or b"".join(map(frame, got)) == body


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(st.binary(max_size=120), places, st.booleans())
def test_a_handler_sees_a_whole_message_or_nothing(body: bytes, at: list[int], text: bool) -> None:
    seen: list[bytes] = []

    async def say(request: bytes, context: Context) -> bytes:
        seen.append(request)
        return request

    async def call() -> int:
        sent = headers(content_type=TEXT) if text else headers()
        answer = await post(served(say, limits=Limits(message_bytes=50)), *cut(body, at), sent=sent)
        assert answer.status == 200
        assert answer.messages == seen
        return answer.code

    code = asyncio.run(call())
    whole = [frame(message) for message in seen]
    assert (code == 0) == bool(whole)
    assert text or not whole or body == whole[0]


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"grpc-timeout", b"x-a", b"x-a-bin", b"cookie", b"user-agent", b"te", b"\xff", b"grpc-encoding"]
            ),
            st.binary(max_size=30),
        ),
        max_size=5,
    )
)
def test_no_header_makes_it_crash(more: list[tuple[bytes, bytes]]) -> None:
    answer = asyncio.run(post(served(), frame(b"x"), sent=[*headers(), *more]))
    assert answer.status == 200
    assert answer.code in (0, 3, 4)

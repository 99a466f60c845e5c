"""What a request must look like before a handler sees it: each test is a defect of stock Sonora, or an attack."""

import base64
import gzip
import struct

import grpc
import pytest

from gateway.interceptors.server import Context
from gateway.rpc.sonora import EdgeRefusal, Limits
from tests.gateway.sonora.wire import HOST, TEXT, Client, Never, echo, frame, headers, post, served

INVALID, DEADLINE, EXHAUSTED, UNIMPLEMENTED = 3, 4, 8, 12


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"abc",
        frame(b"hello")[:-1],
        frame(b"hello")[:5],
        frame(b"hello") + b"\x00",
        b"\x00\x00\x00\x00\x09x",
    ],
)
async def test_a_cut_or_empty_body_is_refused_and_not_taken_for_an_empty_message(body: bytes) -> None:
    say = Never()
    answer = await post(served(say), body)
    assert (answer.status, answer.code, say.reached) == (200, INVALID, False)


async def test_an_empty_message_is_a_message() -> None:
    answer = await post(served(), frame(b""))
    assert (answer.code, answer.messages) == (0, [b""])


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/grpc",
        "application/json",
        "application/grpc-web+json",
        "application/grpc-webx",
        None,
    ],
)
async def test_a_content_type_that_needs_no_preflight_does_not_reach_the_handler(content_type: str | None) -> None:
    say = Never()
    answer = await post(served(say), frame(b"x"), sent=headers(content_type=content_type, cookie="session=1"))
    assert (answer.status, say.reached) == (415, False)


@pytest.mark.parametrize("content_type", ["application/grpc-web", "Application/gRPC-Web+proto; charset=utf-8"])
async def test_the_forms_of_the_content_type_that_clients_send_are_known(content_type: str) -> None:
    assert (await post(served(), frame(b"x"), sent=headers(content_type=content_type))).messages == [b"x"]


async def test_without_the_header_x_grpc_web_nothing_is_called() -> None:
    say = Never()
    answer = await post(served(say), frame(b"x"), sent=headers(x_grpc_web=None))
    assert (answer.status, say.reached) == (403, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": "https://evil.example", "sec_fetch_site": None},
        {"origin": "null", "sec_fetch_site": None},
        {"origin": f"https://{HOST}"},  # another scheme is another origin
        {"origin": "http://governor.example:9999"},  # and so is another port
        {"origin": "http://governor.example.evil.example:8000"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"origin": None, "cookie": "session=1"},
        {"host": "evil.example:8000", "origin": "http://evil.example:8000"},  # a name pointed at this address
    ],
)
async def test_a_page_of_another_origin_cannot_call(changes: dict[str, str | None]) -> None:
    say, refusals = Never(), list[EdgeRefusal]()
    answer = await post(served(say, refusals=refusals), frame(b"x"), sent=headers(**changes))
    assert answer.status in (400, 403)
    assert not say.reached
    assert len(refusals) == 1
    assert refusals[0].status == str(answer.status)
    assert refusals[0].address == "192.0.2.7"


async def test_a_program_that_is_no_browser_needs_no_origin() -> None:
    sent = headers(origin=None, sec_fetch_site=None, authorization="Bearer gov_x")
    assert (await post(served(), frame(b"x"), sent=sent)).messages == [b"x"]


@pytest.mark.parametrize("name", ["origin", "content-type", "host", "x-grpc-web"])
async def test_a_header_that_decides_must_not_be_sent_twice(name: str) -> None:
    say = Never()
    doubled = [*headers(), next(pair for pair in headers() if pair[0] == name.encode())]
    assert ((await post(served(say), frame(b"x"), sent=doubled)).status, say.reached) == (400, False)


async def test_a_request_without_a_host_is_refused_and_does_not_crash() -> None:
    assert (await post(served(), frame(b"x"), sent=headers(host=None))).status == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE"])
async def test_only_post_calls(method: str) -> None:
    say = Never()
    answer = await post(served(say), method=method)
    assert (answer.status, answer.headers["allow"], say.reached) == (405, "POST, OPTIONS", False)


async def test_a_message_above_the_limit_is_refused_before_it_is_read() -> None:
    say = Never()
    web = served(say, limits=Limits(message_bytes=100))
    assert (await post(web, frame(b"x" * 101))).code == EXHAUSTED
    assert (await post(web, struct.pack(">BI", 0, 2**32 - 1) + b"x" * 100)).code == EXHAUSTED
    assert not say.reached
    assert (await post(served(limits=Limits(message_bytes=100)), frame(b"x" * 100))).code == 0


async def test_the_limit_is_four_mebibytes() -> None:
    most = 4 * 1024 * 1024
    assert (await post(served(), frame(b"x" * most))).code == 0
    assert (await post(served(), frame(b"x" * (most + 1)))).code == EXHAUSTED


async def test_a_compressed_message_is_refused_and_not_parsed_as_it_is() -> None:
    say = Never()
    answer = await post(served(say), frame(gzip.compress(b"hello"), flags=1), sent=headers(grpc_encoding="gzip"))
    assert (answer.code, say.reached) == (UNIMPLEMENTED, False)
    assert (await post(served(say), frame(b"x"), sent=headers(content_encoding="gzip"))).status == 415


async def test_a_frame_that_is_no_message_is_refused() -> None:
    assert (await post(served(), frame(b"grpc-status: 0\r\n", flags=0x80))).code == INVALID
    assert (await post(served(), frame(b"x", flags=0x02))).code == INVALID


async def test_two_messages_for_a_unary_method_are_refused() -> None:
    assert (await post(served(), frame(b"one") + frame(b"two"))).code == INVALID
    assert (await post(served(), frame(b"one"), frame(b"two"))).code == INVALID


async def test_a_message_may_arrive_byte_by_byte() -> None:
    whole = frame(b"hello")
    assert (await post(served(), *(whole[at : at + 1] for at in range(len(whole))))).messages == [b"hello"]


async def test_several_messages_in_one_piece_of_the_body_all_arrive() -> None:
    async def gather(requests: object, context: Context) -> bytes:
        return b"+".join([message async for message in requests])  # type: ignore[attr-defined]

    body = b"".join(frame(b"%d" % number) for number in range(5))
    web = served(gather=gather)
    assert (await post(web, body, path="/test.Echo/Gather")).messages == [b"0+1+2+3+4"]
    cut = [body[at : at + 7] for at in range(0, len(body), 7)]
    assert (await post(web, *cut, path="/test.Echo/Gather")).messages == [b"0+1+2+3+4"]


async def test_a_cut_message_in_a_client_stream_fails_the_call() -> None:
    async def gather(requests: object, context: Context) -> bytes:
        return b"+".join([message async for message in requests])  # type: ignore[attr-defined]

    answer = await post(served(gather=gather), frame(b"one") + frame(b"two")[:-1], path="/test.Echo/Gather")
    assert (answer.code, answer.messages) == (INVALID, [])


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100])
async def test_base64_may_be_cut_anywhere(size: int) -> None:
    whole = base64.b64encode(frame(b"hello, world"))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    answer = await post(served(), *pieces, sent=headers(content_type=TEXT))
    assert answer.headers["content-type"] == TEXT
    assert (answer.messages, answer.code) == ([b"hello, world"], 0)


async def test_base64_may_come_in_several_padded_pieces() -> None:
    whole = frame(b"hello, world")
    pieces = [base64.b64encode(whole[:4]) + base64.b64encode(whole[4:7]) + base64.b64encode(whole[7:])]
    answer = await post(served(), *pieces, sent=headers(content_type="application/grpc-web-text"))
    assert answer.messages == [b"hello, world"]


@pytest.mark.parametrize("body", [b"!!!!", b"AAAA====", b"A", base64.b64encode(frame(b"hello"))[:-1]])
async def test_bytes_that_are_not_base64_are_refused(body: bytes) -> None:
    say = Never()
    assert ((await post(served(say), body, sent=headers(content_type=TEXT))).code, say.reached) == (INVALID, False)


@pytest.mark.parametrize("sent", ["abc", "", "1", "S", "123456789S", "1x", "-1S", "1.5S", "\u00b9S"])
async def test_a_timeout_that_is_not_well_formed_is_refused_and_does_not_crash(sent: str) -> None:
    say = Never()
    assert ((await post(served(say), frame(b"x"), sent=headers(grpc_timeout=sent))).code, say.reached) == (
        INVALID,
        False,
    )


async def test_bytes_in_metadata_may_come_without_padding() -> None:
    async def say(request: bytes, context: Context) -> bytes:
        sent = dict(context.invocation_metadata() or ())
        return b"|".join(
            value if isinstance(value, bytes) else value.encode() for value in (sent["a-bin"], sent["b-bin"])
        )

    answer = await post(served(say), frame(b""), sent=headers(a_bin="/+8", b_bin="/+8="))
    assert answer.messages == [b"\xff\xef|\xff\xef"]


async def test_metadata_that_cannot_be_read_is_refused_and_does_not_crash() -> None:
    assert (await post(served(), frame(b""), sent=headers(a_bin="???"))).code == INVALID
    assert (await post(served(), frame(b""), sent=headers(x_name="Jürgen"))).code == INVALID
    assert (await post(served(), frame(b""), sent=headers(user_agent="Jürgen's", cookie="a=é"))).code == 0


async def test_metadata_above_the_limit_is_refused() -> None:
    assert (await post(served(), frame(b""), sent=headers(x_long="x" * 20_000))).code == EXHAUSTED


async def test_a_client_that_leaves_while_it_sends_ends_the_call_quietly() -> None:
    say, refusals = Never(), list[EdgeRefusal]()
    client = Client(served(say, refusals=refusals))
    client.body(frame(b"hello")[:3], more=True)
    client.leave()
    answer = await client.start().finish()
    assert (answer.events, say.reached, refusals) == ([], False, [])


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever() -> None:
    client = Client(served(limits=Limits(body_within_s=0.05, discard_within_s=0.05)))
    client.body(frame(b"hello")[:3], more=True)
    assert (await client.start().finish()).code == DEADLINE


async def test_a_message_that_cannot_be_parsed_is_the_callers_fault() -> None:
    def parse(data: bytes) -> bytes:
        raise ValueError("secret of the parser")

    web = served()
    web.add_registered_method_handlers("test.Odd", {"Say": grpc.unary_unary_rpc_method_handler(echo, parse)})
    answer = await post(web, frame(b"x"), path="/test.Odd/Say")
    assert answer.code == INVALID
    assert b"secret" not in answer.body


async def test_every_refusal_before_a_handler_is_reported_once() -> None:
    refusals = list[EdgeRefusal]()
    web = served(refusals=refusals, limits=Limits(message_bytes=10))
    await post(web, b"")
    await post(web, frame(b"x" * 11))
    await post(web, frame(b"x"), sent=headers(grpc_timeout="soon"))
    await post(web, frame(b"x"), path="/test.Echo/Nothing")
    await post(web, method="GET")
    await post(web, frame(b"x"))
    assert [refusal.status for refusal in refusals] == [
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "INVALID_ARGUMENT",
        "UNIMPLEMENTED",
        "405",
    ]

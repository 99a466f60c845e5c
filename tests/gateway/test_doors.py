"""Who may pass the doors of the admin API, and what is written down about it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from gateway import doors
from gateway.callers import KEPT_S, Callers
from gateway.interceptors.call import Call
from gateway.proto import common_pb2, traffic_pb2
from gateway.rpc import permissions, servicers
from gateway.rpc.sonora import Origins, Web
from gateway.sessions import SEEN_AT, TOUCH_S, begin
from governance.access import tokens
from governance.access.commands.people import CreatePerson, DisablePerson
from governance.access.commands.roles import GrantRole
from governance.access.commands.tokens import CreateToken, RevokeToken
from governance.access.values import RoleGrant, TokenSpec
from governance.compliance import queries as recorded
from governance.compliance.stream import calls, stop_calls
from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.kernel.errors import Unauthenticated
from governance.kernel.permissions import PERMISSIONS
from governance.ledger.execute import execute
from tests.fixtures.house import House
from tests.gateway.sonora.wire import HOST, Answer, frame, headers, post

LIST, SWITCH = "/governor.admin.v1.TrafficService/ListBalancing", "/governor.admin.v1.TrafficService/SwitchBalancing"
Native = Callable[..., Awaitable[bytes]]
OK, INVALID, DENIED, UNAUTHENTICATED = 0, 3, 7, 16


@pytest.fixture
def edge(house: House) -> Web:
    """The gRPC-Web door with the admin API behind it."""
    web = Web(
        origins=Origins(hosts=[HOST.partition(":")[0]]),
        interceptors=doors.web_interceptors(),
        on_refusal=doors.record_refusal,
    )
    servicers.add_all(web)
    return web


@pytest_asyncio.fixture
async def native(house: House) -> AsyncIterator[Native]:
    """Calls a method of the native door, behind which are the admin API and the health service."""
    server = grpc.aio.server(interceptors=doors.native_interceptors())
    servicers.add_all(server)
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        async def call(method: str, request: bytes, *metadata: tuple[str, str]) -> bytes:
            start: Any = channel.unary_unary(method)
            answer: bytes = await start(request, metadata=metadata, timeout=10)
            return answer

        yield call
    await server.stop(0)


def in_thread(work: Callable[..., Any]) -> Callable[..., Any]:
    return sync_to_async(work, thread_sensitive=False)


@in_thread
def person(name: str, *roles: str, namespace: str = EVERYWHERE) -> None:
    execute(CreatePerson(username=name, must_change_password=False), by=SYSTEM)
    for role in roles:
        execute(GrantRole(username=name, role=role, namespace=namespace), by=SYSTEM)


@in_thread
def token(owner: str, *roles: str) -> tuple[str, str]:
    """The secret and the id of a new token."""
    secret = tokens.make()
    spec = TokenSpec(name="test", grants=tuple(RoleGrant(role=role) for role in roles), lifetime_s=3600)
    receipt = execute(CreateToken(owner=owner, spec=spec, digest=tokens.digest(secret)), by=SYSTEM)
    return secret, receipt.thing.removeprefix("token/")


@in_thread
def session(name: str) -> str:
    """The session cookie of someone who signed in."""
    user = User.objects.get(username=name)
    kept = SessionStore()
    kept[SESSION_KEY] = str(user.pk)
    kept[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    kept[HASH_SESSION_KEY] = user.get_session_auth_hash()
    begin(kept)
    kept.save()
    return f"{settings.SESSION_COOKIE_NAME}={kept.session_key}"


@in_thread
def last_call() -> recorded.Call:
    assert calls().flush(10)
    stop_calls()
    return recorded.search(limit=1)[0]


async def ask(edge: Web, path: str, message: Any = b"", **sent: str | None) -> Answer:
    body = message if isinstance(message, bytes) else message.SerializeToString()
    return await post(edge, frame(body), path=path, sent=headers(**sent))


def test_every_method_of_the_api_declares_a_permission_that_exists() -> None:
    declared = permissions.declared()
    ours = {f"/{method.containing_service.full_name}/{method.name}" for method in permissions.methods()}
    assert ours - set(declared) == ours & set(doors.OPEN)
    assert set(declared.values()) <= set(PERMISSIONS)
    assert not set(declared) & set(doors.PUBLIC)


@pytest.mark.parametrize("door", ["grpc", "grpc-web"])
def test_the_standard_chain_has_every_link_in_its_order(door: doors.Door) -> None:
    chain = doors.standard_chain(door)
    order = ["recover", "trace", "auth", "limit", "metrics", "redact", "logging", "audit"]
    assert [link.name for link in chain.links] == order
    assert {chain.state(name) for name in order} == {"enabled"}


async def test_a_stranger_is_refused_at_both_doors_and_that_is_recorded(edge: Web, native: Native) -> None:
    assert (await ask(edge, LIST)).code == UNAUTHENTICATED
    event = await last_call()
    assert (event.action, event.outcome, event.status) == (
        "rpc.TrafficService.ListBalancing",
        "refused",
        "UNAUTHENTICATED",
    )
    assert (event.actor, event.actor_kind, event.door, event.address) == (
        "anonymous",
        "stranger",
        "grpc-web",
        "192.0.2.7",
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await native(LIST, b"")
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert (await last_call()).door == "grpc"


async def test_a_token_opens_both_doors(edge: Web, native: Native) -> None:
    await person("alice", "operator")
    secret, _ = await token("alice", "viewer")
    answer = await ask(edge, LIST, authorization=f"Bearer {secret}", origin=None, sec_fetch_site=None)
    assert answer.code == OK
    event = await last_call()
    assert (event.actor, event.actor_kind, event.outcome, event.status) == ("alice/test", "token", "success", "OK")
    assert event.trace_id == answer.trailers["x-trace-id"]
    await native(LIST, b"", ("authorization", f"Bearer {secret}"))
    assert secret not in repr((event, await last_call()))


async def test_a_token_does_no_more_than_it_was_given(edge: Web) -> None:
    await person("alice", "operator")
    secret, _ = await token("alice", "viewer")
    request = traffic_pb2.SwitchBalancingRequest(
        namespace="shop", service="cart", mutation=common_pb2.Mutation(request_id="r-1")
    )
    assert (await ask(edge, SWITCH, request, authorization=f"Bearer {secret}")).code == DENIED
    event = await last_call()
    assert (event.outcome, event.namespace, event.thing) == ("refused", "shop", "service/shop/cart")
    assert event.request_id == "r-1"


async def test_a_session_opens_the_browsers_door_alone(edge: Web, native: Native) -> None:
    await person("alice", "operator")
    cookie = await session("alice")
    assert (await ask(edge, LIST, cookie=cookie)).code == OK
    assert (await last_call()).actor == "alice"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await native(LIST, b"", ("cookie", cookie))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": None, "sec_fetch_site": None},
        {"content_type": "text/plain"},
        {"x_grpc_web": None},
    ],
)
async def test_a_page_of_another_site_cannot_use_a_session(edge: Web, changes: dict[str, str | None]) -> None:
    await person("alice", "operator")
    answer = await ask(edge, LIST, cookie=await session("alice"), **changes)
    assert answer.status in (403, 415)
    event = await last_call()
    assert (event.action, event.outcome, event.status) == ("rpc.refused", "refused", str(answer.status))
    assert event.detail["path"] == LIST


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer ", "Bearer gov_nonsense", "Basic YWRtaW46YWRtaW4=", "gov_x"]
)
async def test_a_bad_token_is_refused_even_beside_a_good_session(edge: Web, authorization: str) -> None:
    await person("alice", "operator")
    answer = await ask(edge, LIST, authorization=authorization, cookie=await session("alice"))
    assert answer.code == UNAUTHENTICATED


@pytest.mark.parametrize(
    "cookie", ["=", ";;;", "governor_session", "governor_session=", "a=b", 'governor_session="\\', "x" * 4000]
)
async def test_a_bad_cookie_is_no_session(edge: Web, cookie: str) -> None:
    assert (await ask(edge, LIST, cookie=cookie)).code == UNAUTHENTICATED


async def test_a_revoked_token_and_a_disabled_person_are_refused_soon(house: House) -> None:
    now = [100.0]
    callers = Callers(sessions=True, clock=lambda: now[0])
    await person("alice", "operator")
    await person("root", "admin")
    secret, token_id = await token("alice", "viewer")
    by_token = Call(LIST, metadata=(("authorization", f"bearer {secret}"),))
    by_session = Call(LIST, metadata=(("cookie", await session("alice")),))
    assert (await callers(by_token)).name == "alice/test"
    assert (await callers(by_session)).name == "alice"
    await in_thread(execute)(RevokeToken(id=token_id), by=SYSTEM)
    await in_thread(execute)(DisablePerson(username="alice"), by=SYSTEM)
    assert (await callers(by_token)).name == "alice/test"
    now[0] += KEPT_S
    for call in (by_token, by_session):
        with pytest.raises(Unauthenticated):
            await callers(call)


async def test_a_stream_that_stays_open_does_not_keep_the_session_from_ending(house: House) -> None:
    now = [100.0]
    callers = Callers(sessions=True, clock=lambda: now[0])
    await person("alice", "operator")
    cookie = await session("alice")
    idle_for = TOUCH_S + 1

    @in_thread
    def seen_at(shift: int = 0) -> int:
        kept = SessionStore(cookie.partition("=")[2])
        if shift:
            kept[SEEN_AT] -= shift
            kept.save()
        return int(kept[SEEN_AT])

    before = await seen_at(idle_for)
    call = Call(LIST, metadata=(("cookie", cookie),))
    call.actor = SYSTEM
    await callers(call)
    assert await seen_at() == before
    now[0] += KEPT_S
    await callers(Call(LIST, metadata=(("cookie", cookie),)))
    assert await seen_at() > before


async def test_what_is_wrong_with_a_request_is_answered_and_recorded_once(edge: Web) -> None:
    await person("alice", "operator")
    secret, _ = await token("alice", "operator")
    before = await in_thread(recorded.head_seq)()
    request = traffic_pb2.SwitchBalancingRequest(namespace="shop", service="NOT A NAME")
    answer = await ask(edge, SWITCH, request, authorization=f"Bearer {secret}")
    assert answer.code in (INVALID, 5)
    event = await last_call()
    assert (event.outcome, event.seq) == ("refused", before + 1)


async def test_health_needs_no_token(native: Native) -> None:
    answer = await native("/grpc.health.v1.Health/Check", b"")
    assert health_pb2.HealthCheckResponse.FromString(answer).status == health_pb2.HealthCheckResponse.SERVING
    assert (await last_call()).outcome == "success"

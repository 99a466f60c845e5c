"""Which ports are looked at, and whose turn it is."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from governance.kernel.actor import SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import SetTransport
from governance.pki.ct.probing import Port, Target
from governance.pki.ct.targets import A_ROUND, SILENT_A_ROUND, in_turn, targets
from governance.pki.names import workload_uri
from governance.pki.queries.served import Asked
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.pki.conftest import DOMAIN, want
from tests.pki.ct.watched import listen, serve

AT = datetime(2026, 6, 1, tzinfo=UTC)
ME = workload_uri(DOMAIN, "governor", "control-plane")


def asked_for() -> list[tuple[str, str, str, str]]:
    return [(each.namespace, each.service, each.port.address, each.port.server_name) for each in targets()]


def test_the_endpoints_of_services_with_mutual_tls_are_asked_for_their_service(closed_house: None) -> None:
    serve("10.0.0.1:443")
    serve("10.0.0.2:443", service="till")
    plain = SetTransport(namespace="shop", service="till", mode="plaintext")
    execute(plain, by=SYSTEM)
    assert asked_for() == [("shop", "checkout", "10.0.0.1:443", "checkout.shop.svc")]


def test_a_listener_is_asked_for_its_name(closed_house: None) -> None:
    listen("red.example:443", server_name="www.red.example")
    listen("10.0.0.1:443", namespace="bank")
    assert asked_for() == [("bank", "", "10.0.0.1:443", ""), ("shop", "", "red.example:443", "www.red.example")]


def test_our_own_ports_are_asked_for_each_name_that_they_have_something_for(pki: House) -> None:
    want("site", dns_names=("*.shop.example",), consumers=(ME,))
    want("others", dns_names=("other.shop.example",), consumers=(f"{ME}-not",))
    issue_due()
    update = {"grpc_tls": "mutual", "grpc_addr": "0.0.0.0:8443", "https_addr": "[::]:8444"}
    settings.GOV = settings.GOV.model_copy(update=update)
    ours = "control-plane.governor.svc"
    assert asked_for() == [
        ("governor", "", "127.0.0.1:8443", ours),
        ("governor", "", "[::1]:8444", ours),
        ("governor", "", "[::1]:8444", ""),
        ("shop", "", "[::1]:8444", "www.shop.example"),
    ]


def test_a_port_that_any_number_stands_for_is_not_looked_for(pki: House) -> None:
    settings.GOV = settings.GOV.model_copy(update={"grpc_tls": "mutual", "grpc_addr": "h:0", "https_addr": "h:0"})
    assert targets() == []


def several(count: int, namespace: str = "shop", first: int = 0) -> list[Target]:
    return [Target(namespace=namespace, port=Port(address=f"{namespace}-{n}:1")) for n in range(first, first + count)]


def seen(wanted: list[Target], *, silent: bool = False, at: datetime = AT) -> dict[Port, Asked]:
    return {each.port: Asked(at=at + timedelta(seconds=n), silent=silent) for n, each in enumerate(wanted)}


def test_the_longest_unasked_comes_first_and_new_ones_before() -> None:
    known, new = several(3), several(2, first=7)
    asked = seen(known[::-1])
    assert in_turn([*known, *new], asked) == [each.port for each in (*new, *known[::-1])]


def test_a_port_of_several_people_is_asked_once() -> None:
    one = several(1)[0]
    assert in_turn([one, Target(namespace="bank", service="x", port=one.port)], {}) == [one.port]


def test_those_that_hang_wait_for_those_that_answer() -> None:
    hanging, good = several(SILENT_A_ROUND + 50, "gone"), several(10)
    turn = in_turn([*hanging, *good], seen(hanging, silent=True) | seen(good))
    assert turn[:10] == [each.port for each in good]
    assert len(turn) == 10 + SILENT_A_ROUND


def test_nobodys_thousands_hold_up_the_ports_of_another() -> None:
    many, few = several(A_ROUND * 2, "mass"), several(3, "small")
    turn = in_turn([*many, *few], {})
    assert len(turn) == A_ROUND
    assert {each.port for each in few} <= set(turn[:6])


def test_every_port_has_its_turn_within_the_stated_rounds() -> None:
    answering, hanging = several(4_000), several(700, "gone")
    wanted, asked = [*answering, *hanging], seen(hanging, silent=True)
    left = {each.port for each in wanted}
    for n in range(3):  # ceil(4,000 / 1,700) and ceil(700 / 300)
        turn = in_turn(wanted, asked)
        assert len(turn) <= A_ROUND
        at = AT + timedelta(hours=n + 1)
        asked |= {port: Asked(at=at, silent=port.address.startswith("gone")) for port in turn}
        left -= set(turn)
    assert left == set()

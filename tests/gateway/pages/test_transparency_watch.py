"""What was found, the board, the logs and what is watched: who is shown what, and who may change it."""

import json
import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.test import Client

from governance.kernel.actor import SYSTEM
from governance.kernel.clock import moved, now
from governance.ledger.execute import execute
from governance.pki.commands import AcknowledgeFinding, AddListener, SetTransparency
from governance.pki.ct import checkpoint, loglist
from governance.pki.ct.own.log import own_log
from governance.pki.ct.reporting import report
from governance.pki.ct.standing import FindingView, Noticed
from governance.pki.queries import logs
from governance.pki.queries.findings import findings
from tests.fixtures.house import House
from tests.gateway.pages import transparent
from tests.gateway.pages.conftest import SignIn, text_of
from tests.gateway.pages.outside import Outside

LACKS = "You lack the permission pki.transparency"


@pytest.fixture
def vera(world: Outside, signed_in: SignIn) -> Client:
    """One who sees everything."""
    return signed_in("vera", "viewer")


@pytest.fixture
def erin(world: Outside, signed_in: SignIn) -> Client:
    """One who sees the namespace shop alone."""
    return signed_in("erin", "viewer", "shop")


def _found(kind: str) -> FindingView:
    return next(each for each in findings(kind=kind))


def _table(page: str, name: str) -> str:
    return page.split(f'class="table card-table {name}"')[1].split("</table>", maxsplit=1)[0]


def test_findings_say_what_they_mean_what_to_do_and_lead_on(vera: Client) -> None:
    table = _table(text_of(vera, "/findings"), "findings")
    assert "A log signed two things that cannot both be true." in table
    assert "Keep the evidence" in table
    serial = _found("not_logged").detail["serial"]
    assert f'href="/certificates/shop/returns?tab=logs&amp;serial={serial}"' in table
    assert "/board?kind=served_not_issued" in table
    assert f"/logs#log-{_found('log_lies').detail['log_id']}" in table
    assert "-----BEGIN CERTIFICATE-----" in table


def test_findings_are_filtered_by_kind_and_by_how_they_stand(vera: Client) -> None:
    quiet = _found("not_ours")
    execute(AcknowledgeFinding(id=quiet.id), by=SYSTEM, reason="the new web shop is theirs")
    assert "1 of 9 findings" in text_of(vera, "/findings?kind=not_ours")
    assert "8 of 8 findings" in text_of(vera, "/findings?state=alarming")
    acknowledged = text_of(vera, "/findings?state=acknowledged")
    assert quiet.subject in acknowledged
    assert "data-acknowledge=" not in acknowledged
    assert "No finding matches" in text_of(vera, "/findings?state=closed")
    assert "9 of 9 findings" in text_of(vera, "/findings?state=nonsense&kind=nonsense")


def test_who_may_read_the_trail_sees_who_acknowledged_it_and_why(
    world: Outside, vera: Client, signed_in: SignIn
) -> None:
    execute(AcknowledgeFinding(id=_found("not_ours").id), by=SYSTEM, reason="the new web shop is theirs")
    assert "the new web shop is theirs" in text_of(signed_in("olga", "operator"), "/findings")
    assert "the new web shop is theirs" not in text_of(vera, "/findings")


def test_what_is_over_closes_by_itself_and_is_still_to_be_found(world: Outside, vera: Client) -> None:
    world.rome.sign()
    transparent.look()
    over = text_of(vera, "/findings?state=closed")
    assert "2 of 2 findings" in over
    assert "<span>Over</span>" in over


def test_an_empty_list_says_that_all_is_well_and_where_to_go_on(ledger: House, signed_in: SignIn) -> None:
    page = text_of(signed_in("vera", "viewer"), "/findings")
    assert "Nothing to look at" in page
    assert 'href="/monitor"' in page.split("Nothing to look at")[1]


def test_people_of_one_namespace_see_no_finding_difference_or_name_of_another(erin: Client) -> None:
    for address in ("/findings?state=all", "/board", "/monitor", "/findings?namespace=bank", "/board?namespace=bank"):
        page = text_of(erin, address)
        for foreign in ("bank/front", "bank/statements", "bank.example.com", "Oslo", "pay.example.com", "example.org"):
            assert foreign not in page, f"{foreign} on {address}"
    assert "shop/returns" in text_of(erin, "/findings")
    assert "They are told to those who may see every namespace." in text_of(erin, "/monitor")


def test_the_board_counts_by_kind_tenant_and_service(vera: Client) -> None:
    page = text_of(vera, "/board")
    assert "8 of 8 differences" in page
    for kind, count in {"served_not_issued": 1, "issued_not_served": 2, "abandoned": 1}.items():
        card = page.split(f'id="card-{kind}"')[1].split("</section>")[0]
        assert f">{count}</a></p>" in card, kind
    assert "cannot tell of 1" in page.split('id="card-issued_not_logged"')[1].split("</section>")[0]
    tenants = page.split('id="by-tenant"')[1].split("</table>")[0]
    assert re.search(r'href="[^"]*tenant=bank[^"]*"', tenants)
    assert "shop/checkout" in page.split('id="service"')[1].split("</select>")[0]


@pytest.mark.parametrize(
    ("query", "count"),
    [("kind=abandoned", 1), ("tenant=bank", 2), ("tenant=*", 1), ("service=shop/checkout", 1), ("q=RETURNS", 1)],
)
def test_the_board_is_filtered_by_each(vera: Client, query: str, count: int) -> None:
    page = text_of(vera, f"/board?{query}")
    assert f"{count} of 8 differences" in page
    assert _table(page, "differences").count("<tr data-key=") == count


def test_a_difference_leads_to_the_certificate_and_says_what_the_port_showed_and_when(vera: Client) -> None:
    table = _table(text_of(vera, "/board"), "differences")
    assert 'href="/certificates/bank/front"' in table
    assert f'href="/certificates/shop/returns?tab=logs&amp;serial={_found("not_logged").detail["serial"]}"' in table
    assert f'href="/findings#finding-{_found("not_issued").id}"' in table
    assert f"Asked for {transparent.FORGED}" in table
    assert 'href="/monitor#port-127.0.0.1:' in table


def test_a_board_where_nothing_was_looked_at_does_not_say_that_all_is_well(ledger: House, signed_in: SignIn) -> None:
    page = text_of(signed_in("vera", "viewer"), "/board")
    assert "No port is looked at" in page
    card = page.split('id="card-served_not_issued"')[1].split("</section>")[0]
    assert "unknown" in card
    assert ">0<" not in card


def test_logs_say_how_they_stand_and_how_far_they_were_read(vera: Client) -> None:
    page = text_of(vera, "/logs")
    assert "6 of 6 logs" in page
    rows = dict(re.findall(r'<tr data-key="([^"]+)"[^>]*>(.*?)</tr>', _table(page, "logs"), re.DOTALL))
    ours = rows[own_log().log_id.hex()]
    assert "Believed" in ours
    assert "our own" in ours
    assert logs.known_log(own_log().log_id.hex()).root.hex() in ours
    words = [re.sub(r"<[^>]+>", " ", row) for row in rows.values()]
    vienna = next(row for row in words if "Vienna" in row)
    assert "Not readable" in vienna
    assert "Connection refused" in vienna
    assert "Retired" in next(row for row in words if "Lisbon" in row)
    assert "not searched" in next(row for row in words if "Lisbon" in row)
    assert "Too old after 70 days" in page
    assert "<span>Fresh</span>" in page
    assert "1 of 6 logs" in text_of(vera, "/logs?source=pinned")
    assert "1 of 6 logs" in text_of(vera, "/logs?status=lies")
    assert "1 of 6 logs" in text_of(vera, "/logs?q=nordlys")


def test_a_list_that_is_too_old_is_said_to_be(vera: Client) -> None:
    later = now() + timedelta(days=71)
    with moved(lambda: later):
        assert "<span>Too old</span>" in text_of(vera, "/logs")


def test_a_log_that_contradicts_itself_is_shown_with_both_signatures_as_evidence(world: Outside, vera: Client) -> None:
    caught = text_of(vera, "/logs").split('<section class="card caught"')[1].split("</section>")[0]
    assert "It signed two different trees of the same size." in caught
    assert caught.count("<pre") == 2
    oslo = world.oslo.log("rfc6962")
    told = json.loads(vera.get(f"/logs/{oslo.log_id.hex()}/evidence.json").content)
    first, second = (checkpoint.check(told["evidence"][name], oslo) for name in ("first", "second"))
    assert (first.size, first.root != second.root) == (second.size, True)
    assert load_pem_public_key(told["key_pem"].encode()) == world.oslo.key.public_key()


def test_a_logs_key_and_list_entry_are_files_that_others_can_read(world: Outside, vera: Client) -> None:
    paris = world.paris.log()
    place = f"/logs/{paris.log_id.hex()}"
    assert vera.get(f"{place}/log-key.pem").content == world.paris.key_pem()
    (read,) = loglist.read(vera.get(f"{place}/log.v3.json").content, source="listed").logs
    assert read.log_id == paris.log_id
    for address in (
        f"{place}/evidence.json",
        f"{place}/other",
        "/logs/nonsense/log-key.pem",
        f"/logs/{'0' * 64}/log-key.pem",
    ):
        assert vera.get(address).status_code == 404, address


def test_the_monitor_says_how_strict_each_issuer_is_and_what_ports_show(vera: Client) -> None:
    execute(SetTransparency(issuer="partner", mode="off"), by=SYSTEM, reason="their own log does it")
    page = text_of(vera, "/monitor")
    gates = page.split('id="gates"')[1].split("</table>")[0]
    assert "Off: nobody is told" in gates.split('data-key="partner"')[1]
    assert "Gate: proven, then in force" in gates.split('data-key="internal"')[1]
    assert "<li>example.org</li>" in page
    ports = page.split('id="ports"')[1].split("</table>")[0]
    assert "Signed by our key behind our back" in ports
    assert transparent.FORGED in ports
    assert "Off: nobody is told" in text_of(vera, "/authorities")


def test_a_port_that_was_not_looked_at_yet_is_not_said_to_show_nothing(world: Outside, vera: Client) -> None:
    execute(AddListener(namespace="shop", address="192.0.2.1:443"), by=SYSTEM, reason="a new door")
    ports = text_of(vera, "/monitor").split('id="ports"')[1].split("</table>")[0]
    row = ports.split('data-key="shop 192.0.2.1:443 "')[1].split("</tr>")[0]
    assert "Not looked at yet" in row
    assert "never" in row


def test_buttons_name_the_permission_that_is_missing(world: Outside, vera: Client, signed_in: SignIn) -> None:
    assert text_of(vera, "/findings").count(LACKS) == 9
    assert text_of(vera, "/monitor").count(LACKS) == 5  # two issuers, the names, a new port, the port that was added
    sam = signed_in("sam", "security")
    for address in ("/findings", "/monitor"):
        assert LACKS not in text_of(sam, address)


def test_what_strangers_wrote_into_a_log_is_text_and_never_markup(ledger: House, signed_in: SignIn) -> None:
    evil = "<img src=x onerror=alert(1)>"
    noticed = Noticed(
        key="not_ours:evil", kind="not_ours", namespace="*", subject=evil, message=evil, detail={"names": [evil]}
    )
    report([noticed])
    page = text_of(signed_in("vera", "viewer"), "/findings")
    assert evil not in page
    assert page.count("&lt;img src=x") >= 3

"""Who signs, the replacement of a root, workloads with their tokens, and which certificate answers for which name."""

import re

import pytest
from django.test import Client

from gateway.pages.served import findings
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.ledger.execute import execute
from governance.pki import observe
from governance.pki.commands import AbortRotation, AdvanceRotation, PrepareRotation, SetWorkload
from governance.pki.making import new_pair
from governance.pki.observe import Seen
from governance.pki.pem import bundle_id
from governance.pki.queries import authorities
from governance.pki.queries.board import Served
from tests.fixtures.house import House
from tests.gateway.pages import issued
from tests.gateway.pages.conftest import SignIn, text_of


@pytest.fixture
def bob(full: House, signed_in: SignIn) -> Client:
    """A security officer everywhere."""
    return signed_in("bob", "security")


def _prepare() -> None:
    issuer = authorities.issuer("internal")
    assert issuer is not None
    signer = authorities.authority(issuer.signer)
    assert signer is not None
    pair = new_pair("Next", state="standby", crossed_by=(signer.parent, authorities.with_key(signer.parent)))
    execute(PrepareRotation(issuer="internal", root=pair.stored_root, signer=pair.stored_signer), by=SYSTEM)


def _trust(*consumers: tuple[str, str]) -> None:
    roots = bundle_id(authorities.roots_pem())
    seen = [
        Seen(consumer=issued.uri(*each), process=each[1], secret="", serial="", roots=roots, how="xds")
        for each in consumers
    ]
    observe.holdings(seen, at=now())


def _rotation(page: str) -> str:
    return page.split('data-rotation="internal"')[1].split("</section>", maxsplit=1)[0]


def test_every_authority_stands_below_the_one_that_signed_it(bob: Client) -> None:
    page = text_of(bob, "/authorities")
    internal = page.split('id="issuer-internal"')[1].split("</table>")[0]
    assert internal.index("root") < internal.index('class="branch"') < internal.index("signs now")
    for each in authorities.authorities():
        assert f'href="/pki/{each.id}.pem"' in page
        assert (f'href="/pki/{each.id}.crl"' in page) == each.has_key
    partner = page.split('id="issuer-partner"')[1].split("</section>")[0]
    assert "not here" in partner
    assert "names below example.com, namespaces shop, bank" in partner


def test_counts_over_all_namespaces_are_for_those_who_may_see_all(full: House, signed_in: SignIn) -> None:
    assert "valid, of" in text_of(signed_in("vera", "viewer"), "/authorities")
    of_one = text_of(signed_in("erin", "operator", "shop"), "/authorities")
    assert "valid, of" not in of_one
    assert of_one.count("Counted for those who may see every namespace.") == 4


def test_a_rotation_shows_where_it_stands_and_who_holds_it_up(bob: Client) -> None:
    assert 'data-rotate="prepared"' in _rotation(text_of(bob, "/authorities"))
    _prepare()
    assert 'data-rotate="distributing"' in _rotation(text_of(bob, "/authorities"))
    execute(AdvanceRotation(issuer="internal", to="distributing"), by=SYSTEM)
    waiting = _rotation(text_of(bob, "/authorities"))
    assert "Waits for those who were not seen to trust the new root yet" in waiting
    assert issued.uri("shop", "checkout") in waiting
    assert "The step waits for those named beside it." in waiting

    for process in ("checkout-7f9c-a", "checkout-7f9c-b", "checkout-5d01-c"):
        observe.gone([process], at=now())
    observe.gone(["payments-0"], at=now())
    _trust(("shop", "checkout"), ("shop", "payments"))
    assert "Everyone was seen to trust the new root." in _rotation(text_of(bob, "/authorities"))
    execute(AbortRotation(issuer="internal"), by=SYSTEM)
    page = text_of(bob, "/authorities")
    assert "Went back to the old root" in page
    assert "Standby" in page


def test_who_holds_up_a_rotation_is_told_by_name_only_where_one_may_look(full: House, signed_in: SignIn) -> None:
    execute(SetWorkload(namespace="bank", workload="vault", enabled=True), by=SYSTEM)
    _prepare()
    execute(AdvanceRotation(issuer="internal", to="distributing"), by=SYSTEM)
    seen = _rotation(text_of(signed_in("erin", "operator", "shop"), "/authorities"))
    assert issued.uri("shop", "checkout") in seen
    assert "vault" not in seen
    assert "1 in a namespace that you may not see" in seen


def test_only_who_may_rotate_is_offered_it(full: House, signed_in: SignIn) -> None:
    offered = _rotation(text_of(signed_in("olga", "operator"), "/authorities"))
    assert "You lack the permission pki.authority" in offered


def test_workloads_show_their_certificates_and_when_they_were_seen(bob: Client) -> None:
    page = text_of(bob, "/workloads")
    rows = dict(re.findall(r'<tr data-key="spiffe://[^"]+/ns/([^"]+)">(.*?)</tr>', page, re.DOTALL))
    assert "Valid" in rows["shop/sa/checkout"]
    assert "3 processes" in rows["shop/sa/checkout"]
    assert "Expired" in rows["shop/sa/batch"]
    assert "unknown" in rows["shop/sa/batch"]
    assert "Disabled" in rows["bank/sa/vault"]
    assert 'data-set-workload="on"' in rows["bank/sa/vault"]
    assert "1 of 4 workloads" in text_of(bob, "/workloads?state=disabled")


def test_join_tokens_are_listed_without_their_secrets(bob: Client) -> None:
    page = text_of(bob, "/workloads?tab=tokens")
    assert "govjoin_" not in page
    for word in ("Open", "Used", "Withdrawn"):
        assert word in page
    assert page.count("data-withdraw=") == 1


def test_transports_name_the_identities_and_offer_one(bob: Client) -> None:
    page = text_of(bob, "/workloads?tab=transports")
    checkout = page.split('data-key="shop/checkout"')[1].split("</tr>")[0]
    assert "Mutual TLS" in checkout
    assert issued.uri("shop", "checkout") in checkout
    payments = page.split('data-key="shop/payments"')[1].split("</tr>")[0]
    assert "Plain text" in payments
    assert f'data-suggested="{issued.uri("shop", "payments")}"' in payments


def test_other_namespaces_appear_on_none_of_these_pages(full: House, signed_in: SignIn) -> None:
    erin = signed_in("erin", "operator", "shop")
    tabs = [f"/workloads?tab={tab}" for tab in ("identities", "tokens", "transports")]
    for address in ("/authorities", "/certificates/names", *tabs, *(f"{tab}&namespace=bank" for tab in tabs)):
        page = text_of(erin, address)
        assert "vault" not in page
        assert "statements" not in page


def _served(name: str, of: str) -> Served:
    return Served(dns_name=name, namespace="shop", certificate=of, consumers=("x",), issued=True, valid=True)


def test_a_wildcard_gives_way_to_names_of_their_own_and_two_claims_are_a_conflict() -> None:
    everything = [
        _served("*.a.example", "wild"),
        _served("x.a.example", "own"),
        _served("deep.x.a.example", "deep"),
        _served("y.example", "one"),
        _served("y.example", "two"),
    ]
    rows = {(row.of.dns_name, row.of.certificate): row for row in findings(everything)}
    assert rows["*.a.example", "wild"].finding == "shadowed"
    assert [other.dns_name for other in rows["*.a.example", "wild"].others] == ["x.a.example"]
    assert rows["x.a.example", "own"].finding == "shadows"
    assert rows["deep.x.a.example", "deep"].finding == "alone"
    assert rows["y.example", "one"].finding == rows["y.example", "two"].finding == "conflict"


def test_a_name_that_two_certificates_claim_is_shown_with_both(bob: Client) -> None:
    page = text_of(bob, "/certificates/names?only=conflict")
    rows = re.findall(r'<tr data-key="(vault[^"]+)">(.*?)</tr>', page, re.DOTALL)
    assert {key: "bank/front" in row or "bank/vault" in row for key, row in rows} == {
        "vault.bank.example.com bank/front": True,
        "vault.bank.example.com bank/vault": True,
    }
    assert "2 claimed twice" in page


def test_names_that_nobody_has_get_the_certificate_of_nobody(bob: Client) -> None:
    page = text_of(bob, "/certificates/names")
    assert "any other name, or none" in page
    assert '<a href="/certificates/governor/nobody">nobody</a>' in page

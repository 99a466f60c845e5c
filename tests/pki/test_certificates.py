"""Wanting certificates, wanting them otherwise, and wanting them no more."""

from typing import Any

import pytest

from governance.kernel.actor import Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import DeleteCertificate, IssueNow, RequestCertificate
from governance.pki.queries.certificates import certificates
from governance.pki.values import KeySpec
from governance.pki.windows import Window
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import (
    DOMAIN,
    asking,
    delivered,
    head,
    leaf_of,
    nothing_secret_is_recorded,
    of_namespace,
    renewal_of,
    seen,
    want,
)
from tests.pki.test_issuers import creating


def _deleting(name: str = "web", namespace: str = "shop") -> DeleteCertificate:
    return DeleteCertificate(namespace=namespace, name=name)


def _now(name: str = "web", namespace: str = "shop") -> IssueNow:
    return IssueNow(namespace=namespace, name=name)


def test_wanting_a_certificate_is_one_fact_and_says_why_it_is_issued(
    pki: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    fact = changes_once(asking(), by=alice)
    assert (fact.action, fact.thing, fact.before) == ("pki.certificate.request", "certificate/shop/web", None)
    assert fact.after is not None
    assert (fact.after["reason"], fact.after["number"], fact.after["generation"]) == ("DoesNotExist", 0, 1)
    assert fact.after["spec"]["dns_names"] == ["web.shop.svc"]
    there = seen()
    assert (there.ready(fact.at).reason, there.issuing(fact.at).reason) == ("DoesNotExist", "DoesNotExist")
    assert not there.ready(fact.at).holds


def test_wanting_the_same_twice_changes_nothing(pki: House) -> None:
    want()
    before = head()
    assert not want().changed
    assert head() == before


@pytest.mark.parametrize("field", ["uris", "consumers"])
@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://elsewhere.org/ns/shop/sa/web",
        f"spiffe://{DOMAIN}/shop/web",
        f"spiffe://{DOMAIN}/ns/shop/sa/web/more",
        f"spiffe://{DOMAIN}/ns/shop/sa/Web",
    ],
)
def test_identities_that_nobody_here_can_have_are_refused(pki: House, alice: Actor, field: str, uri: str) -> None:
    before = head()
    values: dict[str, Any] = {field: (uri,)}
    with pytest.raises(Invalid) as refusal:
        execute(asking("web", **values), by=alice)
    assert (refusal.value.field, head()) == (field, before)


def test_nobody_gets_an_identity_of_another_namespace_but_anybody_may_be_let_fetch(pki: House, alice: Actor) -> None:
    till = f"spiffe://{DOMAIN}/ns/bank/sa/till"
    with pytest.raises(Invalid) as refusal:
        execute(asking(uris=(till,)), by=alice)
    assert (refusal.value.field, "bank" in refusal.value.message) == ("uris", True)
    assert execute(asking(consumers=(till,)), by=alice).changed, "a gateway that all namespaces share"


def test_two_certificates_are_never_delivered_under_one_name(pki: House) -> None:
    want("web", secret_name="tls")
    with pytest.raises(Conflict) as refusal:
        want("api", secret_name="tls")
    assert (refusal.value.field, "web" in refusal.value.message) == ("secret_name", True)
    assert want("api", namespace="bank", secret_name="tls").changed, "another namespace has names of its own"
    want("other")
    with pytest.raises(Conflict):
        want("other", secret_name="tls")


def test_operators_and_security_want_certificates_and_nobody_else(
    pki: House, alice: Actor, bob: Actor, carol: Actor, mallory: Actor
) -> None:
    assert want("a", by=alice).changed
    assert want("b", by=bob).changed
    before = head()
    for actor in (carol, mallory):
        for command in (asking(), _now("a"), _deleting("a")):
            with pytest.raises(Forbidden):
                execute(command, by=actor)
    assert head() == before


def test_an_operator_of_one_namespace_does_nothing_in_another(pki: House) -> None:
    dave = of_namespace("dave", "operator")
    want("till", namespace="bank")
    assert want("web", by=dave).changed
    for command in (asking("x", namespace="bank"), _now("till", "bank"), _deleting("till", "bank")):
        with pytest.raises(Forbidden):
            execute(command, by=dave)


@pytest.mark.parametrize("command", [_now(), _deleting()])
def test_what_is_not_there_is_not_found(pki: House, alice: Actor, command: IssueNow | DeleteCertificate) -> None:
    want("web", namespace="bank")
    with pytest.raises(NotFound) as refusal:
        execute(command, by=alice)
    assert refusal.value.field == "name"


@pytest.mark.parametrize("command", [asking(common_name="the shop"), _now(), _deleting()])
def test_an_issue_meanwhile_makes_what_was_read_stale(
    pki: House, alice: Actor, command: RequestCertificate | IssueNow | DeleteCertificate
) -> None:
    first = want()
    assert issue_due() == 1
    with pytest.raises(StaleRevision):
        execute(command, by=alice, if_revision=first.revision)
    assert execute(command, by=alice, if_revision=seen().revision).changed


@pytest.mark.parametrize("command", [asking(common_name="the shop"), _now(), _deleting()])
def test_trying_out_changes_nothing(
    pki: House, alice: Actor, command: RequestCertificate | IssueNow | DeleteCertificate
) -> None:
    want()
    assert issue_due() == 1
    before, there = head(), seen()
    receipt = execute(command, by=alice, validate_only=True)
    assert receipt.changed
    assert receipt.before != receipt.after
    assert (head(), seen(), issue_due()) == (before, there, 0)


def test_a_request_id_with_other_content_is_refused(pki: House, alice: Actor) -> None:
    execute(asking(), by=alice, request_id="r1")
    with pytest.raises(Conflict):
        execute(asking(dns_names=("other.shop.svc",)), by=alice, request_id="r1")


@pytest.mark.parametrize(
    "values",
    [
        {"dns_names": ("web.shop.svc", "www.example.com")},
        {"common_name": "the shop"},
        {"uris": (f"spiffe://{DOMAIN}/ns/shop/sa/web",)},
        {"ip_addresses": ("10.0.0.7",)},
        {"duration_s": 86_400},
        {"usages": ("digital signature", "server auth")},
        {"private_key": KeySpec(size=384)},
        {"private_key": KeySpec(algorithm="RSA", size=2048)},
    ],
)
def test_a_change_of_the_certificate_itself_issues_it_anew(pki: House, values: dict[str, Any]) -> None:
    want()
    assert issue_due() == 1
    old = seen().serial
    assert want(**values).changed
    there = seen()
    assert (there.reason, there.generation, there.serial) == ("RequestChanged", 2, old)
    assert issue_due() == 1
    there = seen()
    assert (there.reason, there.issued_generation, there.number) == ("", 2, 2)
    assert there.serial != old


@pytest.mark.parametrize(
    "values",
    [
        {"renew_before_s": 3600},
        {"renew_before_pct": 50},
        {"revision_history_limit": 5},
        {"windows": (Window(cron="0 2 * * *", duration_s=3600),)},
        {"consumers": (f"spiffe://{DOMAIN}/ns/shop/sa/web",)},
        {"secret_name": "tls"},
    ],
)
def test_a_change_of_how_it_is_kept_issues_nothing(pki: House, values: dict[str, Any]) -> None:
    want()
    assert issue_due() == 1
    old = seen()
    assert want(**values).changed
    there = seen()
    assert (there.reason, there.serial, there.generation, there.issued_generation) == ("", old.serial, 2, 2)
    assert there.ready(renewal_of()).holds
    assert issue_due() == 0
    if "windows" in values:  # into which the old time may happen to fall
        assert there.renew_at is not None
        assert there.renew_at.hour == 2
    else:
        assert (there.renew_at != old.renew_at) == bool({"renew_before_s", "renew_before_pct"} & set(values))
    assert there.attempt_at == there.renew_at


def test_renewing_can_be_switched_off_and_on_again(pki: House) -> None:
    want()
    assert issue_due() == 1
    planned = renewal_of()
    want(renewal="Disabled")
    assert (seen().renew_at, seen().attempt_at) == (None, None)
    want(renewal="RenewBefore")
    assert (seen().renew_at, seen().attempt_at) == (planned, planned)


def test_another_issuer_issues_it_anew(pki: House, bob: Actor) -> None:
    execute(creating(), by=bob)
    want()
    assert issue_due() == 1
    want(issuer="shop-ca")
    assert seen().reason == "IncorrectIssuer"
    assert issue_due() == 1
    assert "Shop signer" in leaf_of().issuer.rfc4514_string()


def test_issuing_now_is_one_fact_and_makes_a_new_certificate(
    pki: House, changes_once: ChangesOnce, alice: Actor
) -> None:
    want()
    assert issue_due() == 1
    old = leaf_of()
    fact = changes_once(_now(), by=alice)
    assert (fact.action, fact.after and fact.after["reason"]) == ("pki.certificate.issue_now", "ManuallyTriggered")
    assert issue_due() == 1
    assert leaf_of().serial_number != old.serial_number
    assert leaf_of().public_key() != old.public_key()


def test_certificates_are_listed_by_name_and_only_of_the_namespaces_asked_for(pki: House) -> None:
    for namespace, name in (("shop", "b"), ("shop", "a"), ("bank", "z")):
        want(name, namespace=namespace)
    paths = [each.path for each in certificates()]
    assert paths == ["bank/z", "governor/control-plane", "governor/nobody", "shop/a", "shop/b"]
    assert [each.name for each in certificates(namespaces={"shop"})] == ["a", "b"]
    assert [each.path for each in certificates(after=("governor", "nobody"), limit=1)] == ["shop/a"]


def test_no_key_is_ever_recorded(pki: House, alice: Actor) -> None:
    want(by=alice)
    assert issue_due() == 1
    execute(_now(), by=alice)
    assert issue_due() == 1
    assert nothing_secret_is_recorded()
    there = delivered()
    assert there is not None
    assert b"PRIVATE KEY" in there.key_pem
    assert "PRIVATE KEY" not in repr(there)

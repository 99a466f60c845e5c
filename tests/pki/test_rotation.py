"""The root is replaced step by step, each when everybody was seen to be ready, and back at any time before the end."""

import pytest
from cryptography import x509

from governance.kernel.actor import Actor
from governance.kernel.clock import now
from governance.kernel.errors import Conflict
from governance.ledger.execute import execute
from governance.pki import chain, observe
from governance.pki.commands import AbortRotation
from governance.pki.enrolment import is_stale
from governance.pki.pem import bundle_id, chain_from_pem
from governance.pki.queries.authorities import revocation_lists, roots_pem, signer_of
from governance.pki.queries.certificates import issued
from governance.pki.queries.rotation import open_rotation, rotations
from governance.pki.queries.workloads import workload
from governance.pki.succession import successor_of
from governance.pki.worker import issue_due
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce
from tests.pki.conftest import DAY, chain_of, clock_at, nothing_secret_is_recorded, seen, want
from tests.pki.joining import URI, setting
from tests.pki.rotating import (
    STEPS,
    accepted,
    advancing,
    observed,
    opened,
    renewed,
    roots,
    rotated,
    under_way,
    who_accepts,
)


@pytest.fixture
def shop(pki: House) -> House:
    """A workload that joined, and the certificate shop/web that it fetches."""
    opened()
    return pki


def test_a_rotation_is_prepared_without_anybody_noticing(shop: House, changes_once: ChangesOnce, bob: Actor) -> None:
    trusted, signer = roots_pem(), signer_of("internal")[0]
    command = successor_of("internal")
    fact = changes_once(command, by=bob)
    assert (fact.action, fact.thing, fact.before) == ("pki.rotation.prepare", "rotation/internal", None)
    assert nothing_secret_is_recorded()
    there = under_way()
    assert (there.phase, there.new_root, there.old_signer) == ("prepared", command.root.id, signer)
    assert (there.gate.step, there.gate.open) == ("distributing", True)
    assert (roots_pem(), signer_of("internal")[0], issue_due()) == (trusted, signer, 0)


def test_each_step_waits_until_everybody_was_seen_to_be_ready(
    shop: House, changes_once: ChangesOnce, bob: Actor
) -> None:
    old = roots_pem()
    execute(successor_of("internal"), by=bob)
    fact = changes_once(advancing("distributing"), by=bob)
    assert (fact.action, fact.before and fact.before["phase"]) == ("pki.rotation.advance", "prepared")
    assert roots_pem().count("BEGIN") == 2
    with pytest.raises(Conflict) as refusal:
        execute(advancing("activated"), by=bob)
    assert (refusal.value.field, URI in refusal.value.message) == ("to", True)
    assert "was not seen to trust the new root" in refusal.value.message
    observed()
    assert under_way().gate.open
    changes_once(advancing("activated"), by=bob)
    assert signer_of("internal")[0] == under_way().new_signer
    changes_once(advancing("reissuing"), by=bob)
    assert seen().reason == "IncorrectIssuer"
    waiting = f"governor/control-plane, governor/nobody, shop/web, {URI}: is not yet issued"
    with pytest.raises(Conflict, match=waiting):
        execute(advancing("retired"), by=bob)
    assert issue_due() == 3
    with pytest.raises(Conflict, match=f"to: {URI}: is not yet issued"):
        execute(advancing("retired"), by=bob)
    assert roots_pem() != old
    renewed()
    with pytest.raises(Conflict, match=r"checkout \(shop/web\): was not seen to use"):
        execute(advancing("retired"), by=bob)
    observed()
    changes_once(advancing("retired"), by=bob)
    assert (open_rotation("internal"), rotations()[0].phase) == (None, "retired")
    assert chain_from_pem(roots_pem(), field="roots") == roots()[1]


def test_a_workload_learns_that_it_should_renew_before_its_time(shop: House, bob: Actor) -> None:
    there = workload("shop", "checkout")
    assert there is not None
    rotated("distributing", by=bob)
    assert not is_stale(URI, there.serial)
    execute(advancing("activated"), by=bob)
    assert is_stale(URI, there.serial)
    renewed()
    there = workload("shop", "checkout")
    assert there is not None
    assert not is_stale(URI, there.serial)


def test_at_every_step_everybody_accepts_what_is_served(shop: House, bob: Actor) -> None:
    first = chain_of()
    execute(successor_of("internal"), by=bob)
    assert who_accepts(first) == {"old", "both"}
    for step in STEPS:
        execute(advancing(step), by=bob)
        issue_due()
        if step == "reissuing":
            renewed()
        observed()
        want(f"in-{step}", dns_names=("web.shop.svc",))
        assert issue_due() == 1
        served = [chain_of("web"), chain_of(f"in-{step}")]
        expected = {
            "distributing": [{"old", "both"}, {"old", "both"}],
            "activated": [{"old", "both"}, {"old", "both", "new"}],
            "reissuing": [{"old", "both", "new"}, {"old", "both", "new"}],
            # What is issued from now on is sent without the root that the old one signed.
            "retired": [{"old", "both", "new"}, {"both", "new"}],
        }
        assert [who_accepts(each) for each in served] == expected[step], step
    assert all(accepted(each, chain_from_pem(roots_pem(), field="roots")) for each in served)


@pytest.mark.parametrize("phase", ["prepared", *STEPS[:-1]])
def test_it_can_be_given_up_at_every_step(shop: House, changes_once: ChangesOnce, bob: Actor, phase: str) -> None:
    before, signer = roots_pem(), signer_of("internal")[0]
    rotated(phase, by=bob)
    assert under_way().phase == phase
    served = chain_of()
    fact = changes_once(AbortRotation(issuer="internal"), by=bob)
    assert (fact.action, fact.after and fact.after["phase"]) == ("pki.rotation.abort", "aborted")
    assert (roots_pem(), signer_of("internal")[0], open_rotation("internal")) == (before, signer, None)
    assert {"old", "both"} <= who_accepts(served), "what was issued meanwhile holds for those who trust the old root"
    issue_due()
    there = issued(seen().serial)
    assert there is not None
    assert there.authority == signer
    assert who_accepts(chain_of()) == {"old", "both"}
    assert execute(successor_of("internal"), by=bob).changed, "it can be tried again"


def test_after_giving_up_what_the_new_signer_signed_can_still_be_looked_up(shop: House, bob: Actor) -> None:
    rotated("reissuing", by=bob)
    served = chain_of()
    execute(AbortRotation(issuer="internal"), by=bob)
    lists = [x509.load_der_x509_crl(der) for der in revocation_lists()]
    verdict = chain.verify(
        served, roots=chain_from_pem(roots_pem(), field="roots"), at=now(), purpose="server", crls=lists
    )
    assert verdict.ok, verdict.message


def test_the_slowest_process_counts_and_one_that_left_does_not(shop: House, bob: Actor) -> None:
    old = bundle_id(roots_pem())
    rotated("distributing", by=bob)
    observed("checkout-2", roots=old)
    with pytest.raises(Conflict, match="checkout"):
        execute(advancing("activated"), by=bob)
    observe.gone(["checkout-2"], at=now())
    assert execute(advancing("activated"), by=bob).changed


@pytest.mark.parametrize("way", ["disabled", "expired"])
def test_a_workload_that_is_no_more_does_not_hold_it_up(shop: House, bob: Actor, way: str) -> None:
    observe.gone(["checkout-1"], at=now())
    execute(successor_of("internal"), by=bob)
    execute(advancing("distributing"), by=bob)
    assert under_way().gate.missing == (URI,)
    if way == "disabled":
        execute(setting(enabled=False), by=bob)
        assert under_way().gate.open
    else:
        with clock_at(now() + DAY * 1.1):
            assert under_way().gate.open

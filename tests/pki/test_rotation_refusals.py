"""Steps of a root rotation that are refused: out of order, by the wrong people, on old knowledge."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from governance.kernel.actor import Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleRevision
from governance.ledger.execute import execute
from governance.pki.commands import AbortRotation, PrepareRotation
from governance.pki.queries.authorities import authorities, roots_pem
from governance.pki.queries.rotation import open_rotation
from governance.pki.succession import successor_of
from tests.fixtures.house import House
from tests.pki.conftest import head
from tests.pki.rotating import advancing, observed, opened, rotated, under_way


@pytest.fixture
def shop(pki: House) -> House:
    """A workload that joined, and the certificate shop/web that it fetches."""
    opened()
    return pki


def test_a_retired_root_is_the_end_of_it(shop: House, bob: Actor) -> None:
    rotated("retired", by=bob)
    for command in (AbortRotation(issuer="internal"), advancing("retired")):
        with pytest.raises(NotFound) as refusal:
            execute(command, by=bob)
        assert refusal.value.field == "issuer"


def test_steps_are_taken_in_order(shop: House, bob: Actor) -> None:
    with pytest.raises(NotFound):
        execute(advancing("distributing"), by=bob)
    execute(successor_of("internal"), by=bob)
    with pytest.raises(Conflict, match="stands at prepared; the next step is distributing"):
        execute(advancing("activated"), by=bob)
    execute(advancing("distributing"), by=bob)
    before = head()
    assert not execute(advancing("distributing"), by=bob).changed
    assert head() == before
    with pytest.raises(Invalid) as refusal:
        advancing("prepared")
    assert refusal.value.field == "to"


def test_one_rotation_at_a_time(shop: House, bob: Actor) -> None:
    execute(successor_of("internal"), by=bob)
    before = len(authorities())
    with pytest.raises(Conflict):
        execute(successor_of("internal"), by=bob)
    assert len(authorities()) == before


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda good: {"root": replace(good.root, cross_pem="")}, "root"),
        (lambda good: {"signer": replace(good.signer, parent="somebody")}, "signer"),
        (lambda good: {"issuer": "No Name"}, "issuer"),
        (lambda good: {"root": replace(good.root, state="active")}, "state"),
    ],
)
def test_a_successor_that_would_break_things_is_refused(
    pki: House, bob: Actor, spoil: Callable[[PrepareRotation], dict[str, Any]], field: str
) -> None:
    good = successor_of("internal")
    with pytest.raises(Invalid) as refusal:
        execute(replace(good, **spoil(good)), by=bob)
    assert (refusal.value.field, len(authorities())) == (field, 2)


def test_only_security_rotates(shop: House, alice: Actor, bob: Actor, carol: Actor, mallory: Actor) -> None:
    execute(successor_of("internal"), by=bob)
    before = head()
    for actor in (alice, carol, mallory):
        for command in (successor_of("internal"), advancing("distributing"), AbortRotation(issuer="internal")):
            with pytest.raises(Forbidden):
                execute(command, by=actor)
    assert head() == before


def test_trying_out_a_step_takes_none(shop: House, bob: Actor) -> None:
    trusted = roots_pem()
    assert execute(successor_of("internal"), by=bob, validate_only=True).changed
    assert open_rotation("internal") is None
    execute(successor_of("internal"), by=bob)
    before = head()
    for command in (advancing("distributing"), AbortRotation(issuer="internal")):
        assert execute(command, by=bob, validate_only=True).changed
    assert (head(), under_way().phase, roots_pem()) == (before, "prepared", trusted)


def test_a_step_decided_on_what_changed_meanwhile_is_refused(shop: House, bob: Actor) -> None:
    prepared = execute(successor_of("internal"), by=bob)
    execute(advancing("distributing"), by=bob, if_revision=prepared.revision)
    observed()
    for command in (advancing("activated"), AbortRotation(issuer="internal")):
        with pytest.raises(StaleRevision):
            execute(command, by=bob, if_revision=prepared.revision)

"""Granting and withdrawing roles."""

import pytest

from governance.access.commands import GrantRole, WithdrawRole
from governance.access.queries import actor_of_user
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from tests.access.conftest import Join
from tests.fixtures.people import ChangesOnce


def test_a_role_counts_at_once_in_its_namespace_only(join: Join, changes_once: ChangesOnce) -> None:
    root = join("root", "admin")
    join("erin")
    fact = changes_once(GrantRole(username="erin", role="operator", namespace="shop"), by=root)
    assert (fact.action, fact.namespace) == ("access.role.grant", "shop")
    erin = actor_of_user("erin")
    assert erin.may("traffic.write", "shop")
    assert not erin.may("traffic.write", "bank")
    changes_once(WithdrawRole(username="erin", role="operator", namespace="shop"), by=root)
    assert not actor_of_user("erin").may("traffic.write", "shop")


def test_granting_twice_leaves_one_fact(join: Join, bob: Actor) -> None:
    join("erin")
    first = execute(GrantRole(username="erin", role="viewer"), by=bob)
    again = execute(GrantRole(username="erin", role="viewer"), by=bob)
    assert (again.changed, again.revision) == (False, first.revision)


@pytest.mark.parametrize("role", ["operator", "admin", "workload"])
def test_nobody_grants_what_they_do_not_hold(join: Join, bob: Actor, role: str) -> None:
    join("erin")
    before = ledger.head_revision()
    with pytest.raises(Forbidden) as refusal:
        execute(GrantRole(username="erin", role=role), by=bob)
    assert refusal.value.field == "role"
    assert ledger.head_revision() == before


def test_security_grants_what_it_holds(join: Join, bob: Actor) -> None:
    join("erin")
    for role in ("viewer", "auditor", "security"):
        assert execute(GrantRole(username="erin", role=role), by=bob).changed


def test_a_namespaces_security_officer_grants_only_there(join: Join) -> None:
    officer = join("officer", "security", namespace="shop")
    join("erin")
    assert execute(GrantRole(username="erin", role="viewer", namespace="shop"), by=officer).changed
    for namespace in ("bank", "*"):
        with pytest.raises(Forbidden):
            execute(GrantRole(username="erin", role="viewer", namespace=namespace), by=officer)


def test_operators_and_auditors_grant_nothing(join: Join, alice: Actor, carol: Actor, mallory: Actor) -> None:
    join("erin")
    for actor in (alice, carol, mallory):
        with pytest.raises(Forbidden):
            execute(GrantRole(username="erin", role="viewer"), by=actor)


def test_an_unknown_role_and_a_bad_namespace_are_refused() -> None:
    with pytest.raises(Invalid) as role:
        GrantRole(username="erin", role="superuser")
    with pytest.raises(Invalid) as namespace:
        GrantRole(username="erin", role="viewer", namespace="Shop!")
    assert (role.value.field, namespace.value.field) == ("role", "namespace")


def test_a_role_that_is_not_held_cannot_be_withdrawn(join: Join, bob: Actor) -> None:
    join("erin")
    with pytest.raises(NotFound):
        execute(WithdrawRole(username="erin", role="viewer"), by=bob)


def test_the_last_admin_stays(join: Join) -> None:
    join("root", "admin")
    with pytest.raises(Conflict):
        execute(WithdrawRole(username="root", role="admin"), by=SYSTEM)


def test_a_grant_in_one_namespace_tells_nothing_of_the_others(join: Join, changes_once: ChangesOnce) -> None:
    officer = join("officer", "security", namespace="shop")
    join("erin", "operator", namespace="bank")
    fact = changes_once(GrantRole(username="erin", role="viewer", namespace="shop"), by=officer)
    assert fact.before == {"username": "erin", "roles": {}}
    assert fact.after == {"username": "erin", "roles": {"shop": ["viewer"]}}

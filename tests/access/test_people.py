"""Adding, disabling and enabling people, and their passwords."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from governance.access import queries
from governance.access.commands import CreatePerson, DisablePerson, EnablePerson, GrantRole, SetPassword
from governance.access.queries import actor_of_user
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from tests.access.conftest import Join
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce


def test_a_new_person_holds_nothing_and_must_change_the_password(changes_once: ChangesOnce, bob: Actor) -> None:
    fact = changes_once(CreatePerson(username="erin", password_hash=make_password("only once, please")), by=bob)
    assert (fact.action, fact.thing, fact.before) == ("access.person.create", "person/erin", None)
    assert fact.after is not None
    assert (fact.after["roles"], fact.after["must_change_password"]) == ({}, True)
    assert actor_of_user("erin").grants == {"*": frozenset({"access.self"})}


def test_no_fact_holds_a_password_or_its_hash(join: Join, bob: Actor) -> None:
    join("erin", "viewer", password="a long first password")
    execute(SetPassword(username="erin", password_hash=make_password("a long new password")), by=bob)
    hashes = [User.objects.get(username="erin").password, "scrypt$", "a long"]
    recorded = "".join(str(entry) for entry in ledger.after(0))
    assert [text for text in hashes if text in recorded] == []


@pytest.mark.parametrize("username", ["", "Erin", "erin smith", "erin/ci", "é", "x" * 65, "-erin"])
def test_a_bad_name_is_refused(ledger: House, username: str) -> None:
    with pytest.raises(Invalid) as refusal:
        CreatePerson(username=username)
    assert refusal.value.field == "username"


def test_a_clear_password_is_no_hash(ledger: House) -> None:
    with pytest.raises(Invalid) as refusal:
        SetPassword(username="erin", password_hash="correct horse battery staple")
    assert refusal.value.field == "password"


def test_a_taken_name_is_refused(join: Join, bob: Actor) -> None:
    join("erin")
    with pytest.raises(Conflict):
        execute(CreatePerson(username="erin"), by=bob)


def test_only_security_and_admin_add_people(ledger: House, alice: Actor, carol: Actor, mallory: Actor) -> None:
    for actor in (alice, carol, mallory):
        with pytest.raises(Forbidden):
            execute(CreatePerson(username="erin"), by=actor)


def test_a_one_time_password_opens_nothing_until_it_is_changed(join: Join, changes_once: ChangesOnce) -> None:
    join("erin", "operator")
    execute(SetPassword(username="erin", password_hash="", must_change_password=True), by=SYSTEM)
    erin = actor_of_user("erin")
    assert not erin.may("registry.read")
    fact = changes_once(SetPassword(username="erin", password_hash=make_password("a long new password")), by=erin)
    assert (fact.action, fact.actor) == ("access.password.set", "erin")
    assert actor_of_user("erin").may("traffic.write")


def test_nobody_sets_the_password_of_someone_with_more_rights(join: Join, bob: Actor, alice: Actor) -> None:
    join("root", "admin")
    join("erin", "viewer")
    with pytest.raises(Forbidden):
        execute(SetPassword(username="root", password_hash=""), by=bob)
    with pytest.raises(Forbidden):
        execute(SetPassword(username="erin", password_hash=""), by=alice)
    assert execute(SetPassword(username="erin", password_hash=""), by=bob).changed


def test_a_token_changes_no_password(join: Join) -> None:
    join("root", "admin")
    token = Actor(name="root/ci", kind="token", grants=actor_of_user("root").grants)
    with pytest.raises(Forbidden):
        execute(SetPassword(username="root", password_hash=""), by=token)


def test_a_disabled_person_is_nobody_until_enabled(join: Join, changes_once: ChangesOnce, bob: Actor) -> None:
    join("erin", "viewer")
    assert changes_once(DisablePerson(username="erin"), by=bob).after["active"] is False  # type: ignore[index]
    with pytest.raises(Unauthenticated):
        actor_of_user("erin")
    changes_once(EnablePerson(username="erin"), by=bob)
    assert actor_of_user("erin").may("registry.read")


def test_enabling_someone_with_more_rights_is_refused(join: Join, bob: Actor) -> None:
    join("root", "admin")
    join("other", "admin")
    execute(DisablePerson(username="root"), by=bob)
    with pytest.raises(Forbidden):
        execute(EnablePerson(username="root"), by=bob)


def test_the_last_admin_cannot_be_disabled(join: Join, bob: Actor) -> None:
    join("root", "admin")
    with pytest.raises(Conflict):
        execute(DisablePerson(username="root"), by=bob)
    join("other", "admin")
    assert execute(DisablePerson(username="root"), by=bob).changed


def test_what_is_missing_is_said(ledger: House, bob: Actor) -> None:
    for command in (DisablePerson(username="nobody"), GrantRole(username="nobody", role="viewer")):
        with pytest.raises(NotFound):
            execute(command, by=bob)


def test_djangos_own_flags_grant_nothing(join: Join) -> None:
    join("erin")
    User.objects.filter(username="erin").update(is_superuser=True, is_staff=True)
    assert actor_of_user("erin").grants == {"*": frozenset({"access.self"})}


def test_whoever_reads_one_namespace_sees_only_its_people(join: Join) -> None:
    join("erin", "viewer", namespace="shop")
    join("frank", "viewer", namespace="bank")
    found = queries.people(namespaces={"shop"})
    assert [(person.username, [grant.namespace for grant in person.grants]) for person in found] == [("erin", ["shop"])]

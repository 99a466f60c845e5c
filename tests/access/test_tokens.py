"""Tokens: what they open, for how long, and who may make them."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password

from governance.access import queries, tokens
from governance.access.commands import CreatePerson, CreateToken, DisablePerson, GrantRole, RevokeToken, WithdrawRole
from governance.access.queries import actor_of_token
from governance.access.values import RoleGrant, TokenSpec, seconds_of
from governance.kernel import clock
from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from governance.ledger import queries as ledger
from governance.ledger.execute import execute
from tests.access.conftest import Issue, Join
from tests.fixtures.house import House
from tests.fixtures.people import ChangesOnce


def _create(owner: str, role: str = "viewer", **values: object) -> CreateToken:
    spec = TokenSpec(name="ci", grants=(RoleGrant(role=role),), lifetime_s=3600)
    return CreateToken(owner=owner, spec=spec, digest=tokens.digest(tokens.make()), **values)  # type: ignore[arg-type]


def test_secrets_have_a_prefix_256_random_bits_and_check_digits() -> None:
    secrets = {tokens.make() for _ in range(1000)}
    assert len(secrets) == 1000
    assert {len(secret) for secret in secrets} == {4 + 43 + 6}
    assert all(tokens.well_formed(secret) for secret in secrets)
    one = secrets.pop()
    assert not tokens.well_formed(one[:-1] + ("0" if one[-1] != "0" else "1"))
    assert not tokens.well_formed(one + "\n")


def test_a_token_opens_what_it_was_given(join: Join, issue: Issue) -> None:
    join("root", "admin")
    actor = actor_of_token(issue("root", "operator", namespace="shop"))
    assert (actor.name, actor.kind) == ("root/ci", "token")
    assert actor.may("traffic.write", "shop")
    assert not actor.may("traffic.write", "bank")
    assert not actor.may("access.write", "shop")


def test_the_secret_is_nowhere(join: Join, issue: Issue) -> None:
    join("root", "admin")
    secret = issue("root", "viewer")
    recorded = "".join(str(entry) for entry in ledger.after(0))
    assert secret not in recorded
    assert tokens.digest(secret) not in recorded


def test_every_bad_token_is_refused_in_the_same_words(join: Join, issue: Issue) -> None:
    join("root", "admin")
    join("erin", "viewer")
    bad = {"", "gov_", "gov_" + "0" * 49, tokens.make(), issue("root", "viewer") + "0"}
    revoked = issue("root", "viewer", name="revoked")
    execute(RevokeToken(id=queries.owned_tokens("root")[-1].id), by=SYSTEM)
    orphan = issue("erin", "viewer")
    execute(DisablePerson(username="erin"), by=SYSTEM)
    said = set()
    for secret in bad | {revoked, orphan}:
        with pytest.raises(Unauthenticated) as refusal:
            actor_of_token(secret)
        said.add(str(refusal.value))
    assert len(said) == 1


def test_a_token_ends_when_it_expires(join: Join, issue: Issue) -> None:
    join("root", "admin")
    secret = issue("root", "viewer", lifetime_s=60)
    later = clock.now() + timedelta(seconds=61)
    with clock.moved(lambda: later), pytest.raises(Unauthenticated):
        actor_of_token(secret)
    assert actor_of_token(secret).kind == "token"


def test_a_token_loses_what_its_owner_loses(join: Join, issue: Issue) -> None:
    join("erin", "operator", "viewer")
    secret = issue("erin", "operator")
    execute(WithdrawRole(username="erin", role="operator"), by=SYSTEM)
    actor = actor_of_token(secret)
    assert not actor.may("traffic.write")
    assert actor.may("traffic.read")


def test_people_make_tokens_of_what_they_hold(join: Join, changes_once: ChangesOnce) -> None:
    erin = join("erin", "operator")
    fact = changes_once(_create("erin", "viewer"), by=erin)
    assert fact.action == "access.token.create"
    assert fact.after is not None
    assert fact.after["roles"] == {"*": ["viewer"]}
    assert "digest" not in fact.after


@pytest.mark.parametrize("role", ["admin", "security"])
def test_a_token_never_holds_more_than_its_owner(join: Join, role: str) -> None:
    erin = join("erin", "operator")
    for actor in (erin, SYSTEM):
        with pytest.raises(Forbidden) as refusal:
            execute(_create("erin", role), by=actor)
        assert refusal.value.field == "roles"


def test_nobody_makes_tokens_of_others_and_tokens_make_none(join: Join, issue: Issue, alice: Actor) -> None:
    join("root", "admin")
    token = actor_of_token(issue("root", "admin"))
    for actor in (alice, token):
        with pytest.raises(Forbidden):
            execute(_create("root"), by=actor)


def test_two_live_tokens_of_one_name_are_refused(join: Join, issue: Issue) -> None:
    erin = join("erin", "viewer")
    issue("erin", "viewer")
    with pytest.raises(Conflict) as refusal:
        execute(_create("erin"), by=erin)
    assert refusal.value.field == "name"
    execute(RevokeToken(id=queries.owned_tokens("erin")[0].id), by=erin)
    assert execute(_create("erin"), by=erin).changed


def test_the_same_request_makes_one_token(join: Join) -> None:
    erin = join("erin", "viewer")
    first = execute(_create("erin"), by=erin, request_id="r1")
    again = execute(_create("erin"), by=erin, request_id="r1")
    assert (again.replayed, again.revision) == (True, first.revision)
    assert len(queries.owned_tokens("erin")) == 1


def test_one_revokes_ones_own_and_security_everyones(
    join: Join, issue: Issue, changes_once: ChangesOnce, alice: Actor, bob: Actor
) -> None:
    erin = join("erin", "viewer")
    secrets = [issue("erin", "viewer", name=name) for name in ("a", "b")]
    first, second = (token.id for token in queries.owned_tokens("erin"))
    with pytest.raises(NotFound):  # alice may not know that it exists
        execute(RevokeToken(id=first), by=alice)
    changes_once(RevokeToken(id=first), by=erin)
    changes_once(RevokeToken(id=second), by=bob)
    for secret in secrets:
        with pytest.raises(Unauthenticated):
            actor_of_token(secret)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Not A Name"}, "name"),
        ({"grants": ()}, "roles"),
        ({"lifetime_s": 59}, "lifetime_s"),
        ({"lifetime_s": 367 * 86_400}, "lifetime_s"),
    ],
)
def test_a_bad_token_is_not_even_asked_for(values: dict[str, object], field: str) -> None:
    good: dict[str, object] = {"name": "ci", "grants": (RoleGrant(role="viewer"),), "lifetime_s": 3600}
    with pytest.raises(Invalid) as refusal:
        TokenSpec(**(good | values))  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_lifetimes_are_read_as_people_write_them() -> None:
    assert [seconds_of(text) for text in ("90s", "30m", "1h", "7d")] == [90, 1800, 3600, 604_800]
    for text in ("", "1", "0h", "-1h", "1w", "1h30m", " 1h"):
        with pytest.raises(Invalid):
            seconds_of(text)


def test_a_one_time_password_makes_no_token_that_would_outlive_it(house: House) -> None:
    execute(CreatePerson(username="root", password_hash=make_password("only once, please")), by=SYSTEM)
    execute(GrantRole(username="root", role="admin"), by=SYSTEM)
    root = queries.actor_of_user("root")
    before = ledger.head_revision()
    with pytest.raises(Forbidden, match="one-time password"):
        execute(_create("root", role="admin"), by=root)
    assert ledger.head_revision() == before

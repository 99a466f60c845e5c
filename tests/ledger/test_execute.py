"""The order in which a command is decided, and what it leaves."""

import fcntl
import threading

import pytest
from django.db import connections

from governance.kernel.actor import SYSTEM, Actor
from governance.kernel.errors import Conflict, Forbidden, Invalid, NotFound, StaleRevision, Unavailable
from governance.ledger import queries, turn
from governance.ledger.command import Receipt
from governance.ledger.execute import execute, execute_async
from governance.ledger.stream import CHANGES
from governance.ledger.verify import verify
from governance.registry.commands import CreateService, DeleteService, UpdateService
from governance.registry.values import ServiceSpec
from tests.fixtures.house import House
from tests.ledger.conftest import Say


def _describe(text: str) -> UpdateService:
    return UpdateService(namespace="shop", service="checkout", description=text)


def test_a_change_is_one_fact_with_everything_an_auditor_asks(say: Say, alice: Actor) -> None:
    receipt = execute(_describe("till"), by=alice, request_id="r-1", reason="ticket 7")
    entry = queries.get(receipt.revision)
    assert entry is not None
    assert (entry.actor, entry.actor_kind, entry.reason, entry.request_id) == ("alice", "person", "ticket 7", "r-1")
    assert (entry.action, entry.namespace, entry.thing) == ("registry.service.update", "shop", "service/shop/checkout")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["description"], entry.after["description"]) == ("", "till")
    assert entry.at == receipt.at
    assert len(entry.leaf) == 32


def test_revisions_count_up_without_gaps(say: Say) -> None:
    assert [say(str(n)).revision for n in range(5)] == [2, 3, 4, 5, 6]


def test_what_stands_already_leaves_no_fact_and_answers_the_revision_at_which_it_came(say: Say) -> None:
    first = say("till")
    again = say("till")
    assert not again.changed
    assert again.revision == first.revision
    assert queries.head_revision() == first.revision


def test_a_refused_handler_leaves_neither_rows_nor_fact(say: Say) -> None:
    before = queries.head_revision()
    with pytest.raises(NotFound):
        execute(UpdateService(namespace="shop", service="nobody", description="x"), by=SYSTEM)
    assert queries.head_revision() == before


def test_the_same_request_gives_the_first_receipt_again(say: Say, alice: Actor) -> None:
    first = execute(_describe("a"), by=alice, request_id="r-1")
    say("b")
    again = execute(_describe("a"), by=alice, request_id="r-1")
    assert again.replayed
    assert (again.revision, again.at, again.before, again.after) == (
        first.revision,
        first.at,
        first.before,
        first.after,
    )


def test_a_request_id_with_another_command_is_refused(say: Say, alice: Actor) -> None:
    execute(_describe("a"), by=alice, request_id="r-1")
    for other in (_describe("b"), DeleteService(namespace="shop", service="checkout")):
        with pytest.raises(Conflict) as refusal:
            execute(other, by=alice, request_id="r-1")
        assert refusal.value.field == "request_id"


def test_two_actors_may_use_the_same_request_id(say: Say, alice: Actor) -> None:
    execute(_describe("a"), by=alice, request_id="r-1")
    assert execute(_describe("b"), by=SYSTEM, request_id="r-1").changed


def test_the_same_request_from_eight_threads_at_once_leaves_one_fact(say: Say, alice: Actor) -> None:
    receipts: list[Receipt] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        receipts.append(execute(_describe("once"), by=alice, request_id="r-1"))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipt.revision for receipt in receipts] == [2] * 8
    assert sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 7
    assert queries.head_revision() == 2


def test_a_revision_read_before_the_last_change_is_stale(say: Say, alice: Actor) -> None:
    read = say("a").revision
    say("b")
    with pytest.raises(StaleRevision) as refusal:
        execute(_describe("c"), by=alice, if_revision=read)
    assert refusal.value.field == "if_revision"


def test_changes_of_other_things_do_not_make_a_revision_stale(say: Say, alice: Actor) -> None:
    read = say("a").revision
    execute(CreateService(namespace="shop", spec=ServiceSpec(namespace="shop", name="cart")), by=SYSTEM)
    assert execute(_describe("c"), by=alice, if_revision=read).changed


@pytest.mark.parametrize("revision", [-1, 99])
def test_a_revision_that_never_was_is_refused(say: Say, alice: Actor, revision: int) -> None:
    with pytest.raises(Invalid) as refusal:
        execute(_describe("c"), by=alice, if_revision=revision)
    assert refusal.value.field == "if_revision"


def test_validating_reports_the_change_and_does_nothing(say: Say, alice: Actor) -> None:
    receipt = execute(_describe("new"), by=alice, validate_only=True, request_id="r-1")
    assert receipt.changed
    assert receipt.after is not None
    assert receipt.after["description"] == "new"
    assert queries.head_revision() == 1
    assert not execute(_describe("new"), by=alice, request_id="r-1").replayed


@pytest.mark.parametrize("request_id", ["a b", "x" * 129, "ü", "a\nb"])
def test_a_request_id_of_the_wrong_form_is_refused(say: Say, alice: Actor, request_id: str) -> None:
    with pytest.raises(Invalid) as refusal:
        execute(_describe("c"), by=alice, request_id=request_id)
    assert refusal.value.field == "request_id"


def test_a_reason_that_is_too_long_is_refused(say: Say, alice: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        execute(_describe("c"), by=alice, reason="x" * 1001)
    assert refusal.value.field == "reason"


def test_a_permission_in_another_namespace_does_not_count(say: Say) -> None:
    banker = Actor(name="dave", kind="person", grants={"bank": frozenset({"registry.write"})})
    with pytest.raises(Forbidden):
        execute(_describe("c"), by=banker)


def test_text_without_a_canonical_form_is_refused_and_leaves_no_fact(say: Say, alice: Actor) -> None:
    with pytest.raises(Invalid):
        execute(_describe("\ud800"), by=alice)
    assert queries.head_revision() == 1


async def test_the_asynchronous_twin_does_the_same(say: Say, alice: Actor) -> None:
    receipt = await execute_async(_describe("async"), by=alice)
    assert receipt.changed


def test_a_database_that_cannot_be_written_is_unavailable_and_works_again_afterwards(say: Say, ledger: House) -> None:
    _lose_connection()
    with pytest.raises(Unavailable):
        say("lost")
    assert say("found").changed
    assert verify(CHANGES).sound


def _lose_connection() -> None:
    """Close the connection under Django's feet, as a server that goes away does."""
    connection = connections["default"]
    connection.ensure_connection()
    assert connection.connection is not None
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA query_only = 1")
    else:
        connection.connection.close()


def test_a_ledger_that_nobody_lets_go_of_is_unavailable_and_nothing_hangs(
    say: Say, ledger: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("PostgreSQL has locks of its own")
    monkeypatch.setattr(turn, "PATIENCE_S", 0.05)
    with (ledger.data_dir / "default.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Unavailable):
            say("held")
    assert say("free").changed

"""What is recorded can be changed by nobody who comes through the database's front door."""

import pytest
from django.db import DatabaseError, connections, transaction

from governance.compliance.models import CallCheckpoint, CallEvent
from governance.compliance.stream import calls
from governance.compliance.streams import CALLS, sign_calls
from governance.compliance.values import CallRecord
from governance.kernel.clock import now
from governance.ledger.checkpoint import sign_changes
from governance.ledger.models import Checkpoint, Fact
from governance.ledger.stream import CHANGES, Stream
from governance.ledger.verify import verify
from tests.ledger.conftest import Say

TABLES = [(CHANGES, Fact), (CHANGES, Checkpoint), (CALLS, CallEvent), (CALLS, CallCheckpoint)]
NAMES = [model.__name__ for _, model in TABLES]


@pytest.fixture
def recorded(say: Say) -> None:
    say("a")
    calls().record(CallRecord(action="rpc.call"))
    assert calls().flush(60)
    sign_changes()
    sign_calls()


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(("stream", "model"), TABLES, ids=NAMES)
def test_rows_can_be_neither_changed_nor_deleted_through_the_orm(stream: Stream, model: type[Fact]) -> None:
    assert model.objects.exists()
    for attempt in (model.objects.all().delete, lambda: model.objects.update(at=now())):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(using=stream.database):
            attempt()
    assert verify(stream).sound


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(("stream", "model"), TABLES, ids=NAMES)
def test_rows_can_be_neither_changed_nor_deleted_by_sql(stream: Stream, model: type[Fact]) -> None:
    table, connection = stream.table(model), connections[stream.database]
    statements = [f"DELETE FROM {table}", f"UPDATE {table} SET at = at"]
    if connection.vendor == "postgresql":
        statements.append(f"TRUNCATE {table}")
    for statement in statements:
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(statement)
    assert verify(stream).sound

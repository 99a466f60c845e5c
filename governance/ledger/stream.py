"""A stream of events as tables: rows whose leaves make a Merkle tree, a head, and checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections, models, router

from governance.ledger.merkle import Frontier
from governance.ledger.models import Checkpoint, Fact, Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where one stream lives. `seq` is the column that counts its rows from 1; `size` the head's column for it."""

    name: str
    rows: type[models.Model]
    seq: str
    head: type[models.Model]
    size: str
    checkpoints: type[models.Model]
    # Columns that repeat what the header says, and what the body says, under the same name.
    in_header: tuple[str, ...]
    in_body: tuple[str, ...]

    @property
    def database(self) -> str:
        """Alias of the database that holds it."""
        return router.db_for_write(self.rows)

    def table(self, model: type[models.Model]) -> str:
        """Name of a model's table, quoted."""
        return connections[self.database].ops.quote_name(model._meta.db_table)  # noqa: SLF001  (public in Django)

    def tree(self) -> Frontier:
        """The tree as the head row has it."""
        row = self.head._default_manager.values_list(self.size, "frontier").get(pk=1)  # noqa: SLF001
        return Frontier.decode(row[0], bytes(row[1]))

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaves of the rows `start` + 1 to `end`; fewer when rows are missing."""
        wanted = {f"{self.seq}__gt": start, f"{self.seq}__lte": end}
        found = self.rows._default_manager.filter(**wanted).order_by(self.seq)  # noqa: SLF001
        return [bytes(leaf) for leaf in found.values_list("leaf", flat=True)]


CHANGES = Stream(
    name="changes",
    rows=Fact,
    seq="revision",
    head=Head,
    size="revision",
    checkpoints=Checkpoint,
    in_header=("event_id", "action", "namespace"),
    in_body=("actor", "thing", "request_hash"),
)

"""Appends certificates to the log: one sequencer at a time, and no promise before it is kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connections, transaction

from governance.kernel.clock import now
from governance.kernel.errors import Invalid, Unavailable
from governance.ledger.merkle import Frontier
from governance.ledger.note import TreeHead
from governance.ledger.turn import turn
from governance.pki.ct import checkpoint, sct
from governance.pki.ct.entry import leaf_hash, timestamped
from governance.pki.ct.logs import ECDSA, SHA256
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.ct.models import CtEntry, CtIssuer, CtLog
from governance.pki.ct.own import table, tilefiles
from governance.pki.ct.own.draft import Draft
from governance.pki.ct.own.log import ID, from_ms, log_of, signing_key, to_ms
from governance.pki.ct.sct import Sct
from governance.pki.ct.serials import searched
from governance.pki.ct.tile_leaf import TileLeaf

__all__ = ["MAX_BATCH", "Appended", "Draft", "append", "renew_checkpoint"]

MAX_BATCH = 1000  # so that nobody waits for long
AHEAD = timedelta(seconds=60)
# How old the checkpoint of a log that nothing is added to may become: its readers want to see that it lives.
RENEWED_AFTER = timedelta(seconds=30)

_COLUMNS = (
    *("index", "timestamp_ms", "kind", "leaf", "tile_leaf", "sct"),
    *("identity", "serial", "authority", "holder", "source"),
)
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where an entry stands, and the log's promise about it, which is kept already."""

    index: int
    sct: Sct


def append(drafts: Sequence[Draft], *, at: datetime | None = None) -> list[Appended]:
    """Append `drafts` in one durable transaction, and say of each where it stands, in their order.

    What was logged before, or stands in the batch twice, gets its first SCT. Everything that is signed here becomes
    visible with the commit, and before it nothing is given out: whoever is killed, at whatever point, has promised
    nothing that the log does not hold. It must not be called within a transaction, whose end would come later.
    """
    if len(drafts) > MAX_BATCH:
        raise Invalid(f"are {len(drafts)}; at most {MAX_BATCH} are appended at once", field="drafts")
    if not drafts:
        return []
    alias, identities = table.database(), [draft.identity for draft in drafts]
    known = table.by_identity(identities)  # what is there stays there: whoever hands it in again keeps nobody waiting
    fresh = {one: draft for one, draft in zip(identities, drafts, strict=True) if one not in known}
    if fresh:
        known |= _added(alias, fresh, at or now())
    return [Appended(index=index, sct=sct.parse(encoded)) for index, encoded in (known[one] for one in identities)]


def _added(alias: str, fresh: dict[str, Draft], at: datetime) -> dict[str, tuple[int, bytes]]:
    """Index and SCT of each of them by its identity, after they were appended, by us or by somebody just now."""
    with turn(alias), transaction.atomic(using=alias, durable=True):
        row = _locked(alias)
        known = table.by_identity(fresh)
        rows = _rows({one: draft for one, draft in fresh.items() if one not in known}, row, to_ms(at))
        if rows:
            signed = _store(row, rows, _moment(row, at))
            _add_issuers([fresh[each["identity"]] for each in rows])
            _insert(alias, rows)
    if rows:
        tilefiles.completed(row.size, row.size + len(rows), signed)
    return known | {each["identity"]: (each["index"], each["sct"]) for each in rows}


def renew_checkpoint(*, at: datetime | None = None) -> bool:
    """Sign the checkpoint again when it is 30 s old or older; True when that was done."""
    alias, at = table.database(), at or now()
    newest = CtLog.objects.filter(pk=ID, checkpoint_at__gt=at - RENEWED_AFTER)
    if newest.exists() or not CtLog.objects.filter(pk=ID).exists():
        return False
    with turn(alias), transaction.atomic(using=alias, durable=True):
        row = _locked(alias)
        if row.checkpoint_at > at - RENEWED_AFTER:
            return False
        _store(row, [], _moment(row, at))
    return True


def _locked(alias: str) -> CtLog:
    """The log's row, which nobody else gets until the end of the transaction."""
    row = CtLog.objects.using(alias).select_for_update().filter(pk=ID).first()
    if row is None:
        raise Unavailable("there is no log of ours yet; the first start makes it")
    return row


def _moment(row: CtLog, at: datetime) -> int:
    """The time of a new checkpoint, in ms; when the clock went back, that of the one before.

    A larger tree that was signed earlier would be taken for a lie. Entries have the clock's own time all the same: a
    promise from the future is believed by nobody, and nothing could be issued until it is past.
    """
    if row.checkpoint_at > at + AHEAD:
        log.error(
            "the clock is behind the log's last checkpoint", clock=at.isoformat(), log=row.checkpoint_at.isoformat()
        )
    return max(to_ms(at), to_ms(row.checkpoint_at))


def _rows(fresh: dict[str, Draft], row: CtLog, at_ms: int) -> list[dict[str, Any]]:
    """The rows of new entries, whose index is the size that the tree has before them."""
    key, log_id = signing_key(row), bytes.fromhex(row.log_id)
    rows = []
    for index, (identity, draft) in enumerate(fresh.items(), row.size):
        extensions = sct.leaf_index_extension(index)
        signed = timestamped(draft.entry, timestamp_ms=at_ms, extensions=extensions)
        promise = Sct(log_id, at_ms, extensions, SHA256, ECDSA, key.sign(signed, _ECDSA_SHA256))
        precertificate = draft.certificate_der if draft.entry.kind == "precert" else b""
        tile_leaf = TileLeaf(draft.entry, at_ms, extensions, precertificate, draft.fingerprints)
        rows.append(
            {
                "index": index,
                "timestamp_ms": at_ms,
                "kind": draft.entry.kind,
                "leaf": leaf_hash(signed),
                "tile_leaf": tile_leaf.encode(),
                "sct": promise.encode(),
                "identity": identity,
                "serial": searched(draft.serial),
                "authority": draft.entry.issuer_key_hash.hex(),
                "holder": draft.holder,
                "source": draft.source,
            }
        )
    return rows


def _store(row: CtLog, rows: Sequence[dict[str, Any]], at_ms: int) -> str:
    """Let the tree grow by these rows, and return the checkpoint of what it is then."""
    tree = _tree(row).extend(each["leaf"] for each in rows)
    head = TreeHead(log_of(row).origin, tree.size, tree.root())
    text = checkpoint.sign(head, timestamp_ms=at_ms, key=signing_key(row))
    CtLog.objects.filter(pk=ID).update(
        size=tree.size, frontier=tree.encode(), checkpoint=text, checkpoint_at=from_ms(at_ms)
    )
    return text


def _tree(row: CtLog) -> Frontier:
    """The tree so far. What was not signed as it stands there must not be signed as the beginning of a larger one."""
    try:
        tree = Frontier.decode(row.size, bytes(row.frontier))
        head = checkpoint.check(row.checkpoint, log_of(row))
    except (Invalid, Misbehaved) as error:
        raise _altered(str(error)) from None
    if (head.size, head.root) != (tree.size, tree.root()):
        raise _altered("its tree is not the one that was signed last")
    return tree


def _altered(why: str) -> Unavailable:
    log.error("the row of the log of certificates was altered: nothing more is appended", reason=why)
    return Unavailable(f"the row of the log was altered: {why}")


def _add_issuers(drafts: Sequence[Draft]) -> None:
    above = {hashlib.sha256(der).hexdigest(): der for der in {der for draft in drafts for der in draft.chain}}
    missing = above.keys() - table.issuers(above.keys())
    CtIssuer.objects.bulk_create(CtIssuer(fingerprint=each, der=above[each]) for each in sorted(missing))


def _insert(alias: str, rows: Sequence[dict[str, Any]]) -> None:
    """Not bulk_create: building a model for each row takes longer than storing it."""
    connection = connections[alias]
    quoted = connection.ops.quote_name
    names, places = ", ".join(map(quoted, _COLUMNS)), ", ".join(["%s"] * len(_COLUMNS))
    sql = f"INSERT INTO {quoted(CtEntry._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608, SLF001  (names)
    with connection.cursor() as cursor:
        cursor.executemany(sql, [tuple(row[name] for name in _COLUMNS) for row in rows])

"""Writes what logs were seen to say, before anything is done on the strength of it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Q

from governance.kernel.ids import uuid7
from governance.ledger.turn import turn
from governance.pki.ct.checkpoint import Head
from governance.pki.ct.misbehaviour import Misbehaved
from governance.pki.models import KnownLog


def believed(log_id: str, head: Head, *, after: str, at: datetime) -> bool:
    """Store a checkpoint that continues the checkpoint `after`; False when another one was believed meanwhile.

    What its heads were caught at is over, unless it is of the kind that stays (see `caught`). What was wrong with its
    entries is not, nor what could not be read: a log whose head can be had may keep them back (see `looked_at`).
    """
    fresh = {
        "checkpoint": head.text,
        "size": head.size,
        "root": head.root,
        "checkpoint_at": head.at,
        "believed_at": at,
    }
    _, made = KnownLog.objects.get_or_create(log_id=log_id, defaults=fresh)
    if made:
        return True
    if not KnownLog.objects.filter(log_id=log_id, checkpoint=after).exclude(lie__in=LASTING).update(**fresh):
        return False
    KnownLog.objects.filter(log_id=log_id, lie__in=OF_HEADS).update(**_NO_LIE)
    return True


# Two signed heads that cannot both be true prove for ever that the log lied; the rest may have been a broken mirror.
LASTING = frozenset({"forked", "inconsistent", "beyond_final"})
# What is over as soon as a head can be believed again. The rest, which is about entries, is over when they were read.
OF_HEADS = frozenset({"shrunk", "bad_signature", "wrong_origin"})
_NO_LIE: dict[str, Any] = {"lie": "", "lie_message": "", "lie_evidence": {}, "lie_at": None}


def caught(log_id: str, lie: Misbehaved, *, at: datetime) -> None:
    """Keep what a log was caught at, with its evidence; the first of the kind that stays is not overwritten."""
    KnownLog.objects.get_or_create(log_id=log_id)
    KnownLog.objects.filter(log_id=log_id).exclude(lie__in=LASTING).update(
        lie=lie.kind, lie_message=lie.message[:500], lie_evidence=dict(lie.evidence), lie_at=at
    )


def forgiven(log_id: str, *, next_index: int) -> None:
    """Forget what a log was caught at: somebody said that it may go on from what it shows next.

    It is looked at from `next_index` on: what was looked at before may not be what is there now.
    """
    KnownLog.objects.filter(log_id=log_id).update(
        **_NO_LIE,
        checkpoint="",
        size=0,
        root=b"",
        checkpoint_at=None,
        next_index=next_index,
    )


def unreadable(log_id: str, reason: str, *, at: datetime) -> None:
    """Note that a log could not be read; since when stays what it was."""
    KnownLog.objects.get_or_create(log_id=log_id)
    KnownLog.objects.filter(log_id=log_id, failing_since=None).update(failing_since=at)
    KnownLog.objects.filter(log_id=log_id).update(error=reason[:500])


def looked_at(log_id: str, next_index: int, *, at: datetime) -> None:
    """Note that all entries before `next_index` were looked at: the log can be read, and its entries were right."""
    KnownLog.objects.filter(log_id=log_id, next_index__lt=next_index).update(next_index=next_index)
    KnownLog.objects.filter(log_id=log_id).update(read_at=at, error="", failing_since=None)
    KnownLog.objects.filter(log_id=log_id).exclude(lie__in=LASTING | OF_HEADS).update(**_NO_LIE)


def take(log_id: str, *, at: datetime, lasting: timedelta) -> str:
    """Take the reading of a log for a while, so that two workers do not read it at once; empty when another has it."""
    claim, alias = uuid7(), router.db_for_write(KnownLog)
    with turn(alias), transaction.atomic(using=alias):
        KnownLog.objects.get_or_create(log_id=log_id)
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=at)
        taken = KnownLog.objects.filter(free, log_id=log_id).update(claim=claim, claimed_until=at + lasting)
    return claim if taken else ""


def hold_on(log_id: str, claim: str, *, at: datetime, lasting: timedelta) -> bool:
    """Keep the reading for a while longer; False when it took so long that another has it now."""
    return bool(KnownLog.objects.filter(log_id=log_id, claim=claim).update(claimed_until=at + lasting))


def let_go(log_id: str, claim: str) -> None:
    """Let others read it."""
    KnownLog.objects.filter(log_id=log_id, claim=claim).update(claim="", claimed_until=None)

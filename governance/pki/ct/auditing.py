"""Checks that what was issued is logged: every live certificate by the clock, and at once what waits for its proof."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from time import monotonic

import structlog

from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from governance.ledger.execute import execute
from governance.pki.commands.proving import Proven, RecordProofs
from governance.pki.commands.releasing import ReleaseIssues, ReplaceIssues, Waiting
from governance.pki.ct.logset import all_logs
from governance.pki.ct.own.log import own_log
from governance.pki.ct.proving import Prover, Standing
from governance.pki.ct.reporting import report, report_all
from governance.pki.ct.standing import GATE, Checked, Mode, Noticed
from governance.pki.observe import checks as observe
from governance.pki.pem import chain_from_pem
from governance.pki.queries import audited, logs
from governance.pki.queries.audited import Audited
from governance.pki.worker import WORKER

PAGE = 200
# A round that is cut off goes on where it stopped.
ROUND_S = 20.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A certificate and how it stands towards the logs."""

    of: Audited
    standing: Standing


def prove_waiting() -> int:
    """Prove what waits for its proof, and put it in force; how many it were. Nothing is asked when nothing waits.

    What needs no proof any more is put in force as well. Of what will hardly get one, for a log broke its promise, is
    unknown by now, or the issue itself is over, another issue is made after a while.
    """
    done, still = 0, list[Noticed]()
    modes = logs.modes()
    for page in _pages(audited.waiting()):
        free = [each for each in page if modes.get(each.issuer, GATE) != GATE]
        for namespace, items in _by_namespace(free):
            execute(
                ReleaseIssues(namespace=namespace, items=items), by=WORKER, reason="its issuer has no gate any more"
            )
        judged = _judged([each for each in page if modes.get(each.issuer, GATE) == GATE], now())
        done += len(free) + _record(judged)
        lacking = [each for each in judged if each.standing.state != "logged"]
        observe.checked(_checked(judged))
        still += [_waits(each) for each in lacking]
        hopeless = [each.of for each in lacking if each.of.unplanned and _is_hopeless(each)]
        for namespace, items in _by_namespace(hopeless):
            execute(ReplaceIssues(namespace=namespace, items=items), by=WORKER, reason="it is not proven to be logged")
    report_all("pending:", still)
    return done


def _is_hopeless(judged: Judged) -> bool:
    return judged.standing.state == "not_logged" or judged.of.not_after <= now()


def _by_namespace(waiting: Sequence[Audited]) -> Iterator[tuple[str, tuple[Waiting, ...]]]:
    ordered = sorted(waiting, key=lambda each: each.namespace)
    for namespace, some in groupby(ordered, key=lambda each: each.namespace):
        yield namespace, tuple(Waiting(name=each.name, serial=each.serial) for each in some)


def check_live(*, before: datetime, limit_s: float = ROUND_S) -> int:
    """Check every live certificate that was last checked before that time; how many.

    Those that were never checked come first, then the longest unchecked.
    """
    until, count = monotonic() + limit_s, 0
    modes = logs.modes()
    for page in _pages(audited.live_unchecked(now(), before=before)):
        judged = _judged(page, now())
        _record([each for each in judged if not each.of.proven])
        observe.checked(_checked(judged))
        _notice(judged, modes)
        count += len(judged)
        if monotonic() >= until:
            break
    return count


def _pages(found: Iterable[Audited]) -> Iterator[Sequence[Audited]]:
    each = iter(found)
    while page := list(islice(each, PAGE)):
        yield page


def _judged(page: Sequence[Audited], at: datetime) -> list[Judged]:
    prover = Prover(all_logs(), needed=(own_log().log_id,), at=at)
    return [Judged(of=each, standing=_standing(prover, each)) for each in page]


def _standing(prover: Prover, of: Audited) -> Standing:
    try:
        leaf, *above = chain_from_pem(of.chain_pem + of.root_pem, field="chain_pem")
    except GovernanceError as error:
        return Standing(state="not_logged", why=f"its chain cannot be read: {error}")
    return prover.standing(leaf, above)


def _record(judged: Sequence[Judged]) -> int:
    """Keep the proofs of those that have none yet; how many of them waited and are in force now."""
    proven = sorted((each for each in judged if each.standing.state == "logged"), key=lambda each: each.of.namespace)
    moved = 0
    for namespace, some in groupby(proven, key=lambda each: each.of.namespace):
        items = tuple(Proven(name=each.of.name, serial=each.of.serial, proofs=each.standing.proofs) for each in some)
        receipt = execute(RecordProofs(namespace=namespace, items=items), by=WORKER, reason="proven to be logged")
        moved += len(receipt.before or ())
    return moved


def _checked(judged: Sequence[Judged]) -> list[Checked]:
    at = now()
    return [
        Checked(serial=each.of.serial, state=each.standing.state, why=each.standing.why, checked_at=at)
        for each in judged
    ]


def _notice(judged: Sequence[Judged], modes: Mapping[str, Mode]) -> None:
    """Report what is not logged, or cannot be told, of issuers that do not have it switched off."""
    opened: list[Noticed] = []
    closed: list[str] = []
    for each in judged:
        state, silent = each.standing.state, modes.get(each.of.issuer) == "off"
        for kind, is_so in (("not_logged", state == "not_logged"), ("cannot_tell", state == "unknown")):
            key = f"{kind}:{each.of.serial}"
            if is_so and not silent:
                opened.append(_noticed(key, kind, each))
            else:
                closed.append(key)
    report(opened, closed)


def _noticed(key: str, kind: str, of: Judged) -> Noticed:
    return Noticed(
        key=key,
        kind=kind,  # type: ignore[arg-type]  # one of two
        namespace=of.of.namespace,
        subject=of.of.subject,
        message=of.standing.why,
        detail={"serial": of.of.serial, "holder": of.of.holder},
    )


def _waits(of: Judged) -> Noticed:
    return Noticed(
        key=f"pending:{of.of.serial}",
        kind="pending",
        namespace=of.of.namespace,
        subject=of.of.subject,
        message=f"the new issue is not in force, the one before serves on: {of.standing.why}",
        detail={"serial": of.of.serial, "holder": of.of.holder},
    )

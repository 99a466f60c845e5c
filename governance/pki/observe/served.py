"""Writes what ports were seen to show. Observations are not changes: they leave no fact."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from governance.pki.ct.probing import Port, Shown, Target
from governance.pki.ct.serials import searched
from governance.pki.models import ServedCertificate

PAGE = 500


def shown(targets: Iterable[Target], found: Iterable[Shown], *, at: datetime) -> None:
    """Store what was seen; where a port did not answer, what it showed last stays, beside the reason.

    Most rows change in their times alone, and are written without their chains.
    """
    answers = {each.port: each for each in found}
    rows = {(row.namespace, row.service, _port(row)): row for row in ServedCertificate.objects.defer("chain_pem")}
    fresh: list[ServedCertificate] = []
    same: list[int] = []
    silent: dict[str, list[int]] = defaultdict(list)
    for target in targets:
        answer = answers.get(target.port)
        if answer is None:
            continue
        row = rows.get((target.namespace, target.service, target.port))
        if row is not None and answer.error:
            silent[answer.error[:300]].append(row.pk)
        elif row is not None and row.fingerprint == answer.fingerprint:
            same.append(row.pk)
        else:
            fresh.append(_row(target, answer, at))
    _write(fresh)
    for some in _pages(same):
        ServedCertificate.objects.filter(pk__in=some).update(seen_at=at, asked_at=at, error="")
    for error, numbers in silent.items():
        for some in _pages(numbers):
            ServedCertificate.objects.filter(pk__in=some).update(asked_at=at, error=error)


def forget(targets: Iterable[Target]) -> int:
    """Forget the ports that are not among those to look at; how many they were."""
    kept = {(each.namespace, each.service, each.port) for each in targets}
    gone = [
        row.pk
        for row in ServedCertificate.objects.defer("chain_pem")
        if (row.namespace, row.service, _port(row)) not in kept
    ]
    for some in _pages(gone):
        ServedCertificate.objects.filter(pk__in=some).delete()
    return len(gone)


def _port(row: ServedCertificate) -> Port:
    return Port(address=row.address, server_name=row.server_name)


def _row(target: Target, answer: Shown, at: datetime) -> ServedCertificate:
    return ServedCertificate(
        namespace=target.namespace,
        service=target.service,
        address=target.port.address,
        server_name=target.port.server_name,
        serial=searched(answer.serial),
        fingerprint=answer.fingerprint,
        chain_pem=answer.chain_pem,
        since=at if answer.chain else None,
        seen_at=at if answer.chain else None,
        asked_at=at,
        error=answer.error[:300],
    )


def _write(rows: Collection[ServedCertificate]) -> None:
    """New rows, and those of ports that show something else than before."""
    ServedCertificate.objects.bulk_create(
        rows,
        batch_size=100,
        update_conflicts=True,
        unique_fields=["namespace", "service", "address", "server_name"],
        update_fields=["serial", "fingerprint", "chain_pem", "since", "seen_at", "asked_at", "error"],
    )


def _pages(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), PAGE):
        yield numbers[start : start + PAGE]

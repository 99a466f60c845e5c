"""Whether what was issued is what is served: by ports as they were seen, and by consumers as they say."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from governance.kernel.actor import EVERYWHERE
from governance.pki.ct.differing import NAMED, SHOWN_AFTER, Row
from governance.pki.ct.showing import Judged, judged
from governance.pki.ct.traces import VIEW_S
from governance.pki.queries import served as queries
from governance.pki.queries import workloads
from governance.pki.queries.served import InForce


class Services:
    """Finds the service that a certificate is for: by the identity that its servers prove, else by its name."""

    def __init__(self) -> None:
        self._by_uri = {
            (each.namespace, uri): each.service for each in workloads.transports() for uri in each.server_uris
        }

    def of(self, namespace: str, *, uris: Iterable[str], dns_names: Iterable[str]) -> str:
        """Its name; empty when none of the namespace is known."""
        for uri in uris:
            if found := self._by_uri.get((namespace, uri)):
                return found
        for name in dns_names:
            service, _, rest = name.partition(".")
            if rest in (f"{namespace}.svc", f"{namespace}.svc.cluster.local") and service != "*":
                return service
        return ""


def serving(
    at: datetime,
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    services: Services | None = None,
    tracing_s: float = VIEW_S,
) -> list[Row]:
    """Every difference between what was issued and what is served that people of these namespaces may see.

    Whom strange certificates are by is followed for `tracing_s`.
    """
    in_force = queries.in_force(namespaces=namespaces)
    ports = judged(queries.served(namespaces=namespaces), in_force, limit_s=tracing_s)
    held = queries.held()
    found = [*_wrong(ports, at), *_lagging(in_force, held, ports, at, services or Services())]
    return [each for each in found if EVERYWHERE in namespaces or each.namespace in namespaces]


def _wrong(ports: Iterable[Judged], at: datetime) -> Iterator[Row]:
    """The ports that show what they should not; a new issue takes a while to get everywhere."""
    for each in ports:
        if not each.wrong or (each.verdict == "old" and each.since is not None and each.since > at - SHOWN_AFTER):
            continue
        port, old = each.port, each.verdict in ("old", "revoked")
        alien = "*:" if each.namespace != port.namespace else ""
        yield Row(
            kind="served_not_newest" if old else "served_not_issued",
            namespace=each.namespace,
            service=port.service,
            subject=port.address,
            serial=port.serial,
            since=each.since,
            sentence=each.sentence,
            target=("port", port.address, port.server_name),
            key=f"served_old:{alien}{each.holder}" if old else _key_of(each),
            detail=each.detail,
        )


def _key_of(strange: Judged) -> str:
    """One for each port, whatever it shows from one round to the next; but for each certificate that our key signed."""
    place = _place(strange.port.namespace, strange.port.address)
    ours = f":{strange.port.fingerprint}" if strange.verdict == "by_our_key" else ""
    return f"served_not_issued:{place}{ours}"


def _place(namespace: str, address: str) -> str:
    """A port in a key of bounded length; several names at one port are one place."""
    place = f"{namespace}/{address}"
    return place if len(place) <= 100 else hashlib.sha256(place.encode()).hexdigest()[:40]


def _lagging(
    in_force: Iterable[InForce],
    held: Mapping[str, Mapping[str, Sequence[str]]],
    ports: Iterable[Judged],
    at: datetime,
    services: Services,
) -> Iterator[Row]:
    """The certificates that somebody should have by now and has not."""
    ports = list(ports)
    shown, silent = _by_holder(ports)
    homes = {each.holder: each.port.service for each in ports if each.port.service}
    numbers = _numbers(in_force := list(in_force), held)
    for each in in_force:
        if at >= each.not_after or each.revoked_at is not None or each.since > at - SHOWN_AFTER:
            continue
        holder = f"certificate/{each.namespace}/{each.name}"
        holdings = held.get(each.secret, {})
        older = {serial: who for serial, who in holdings.items() if numbers.get((holder, serial), 0) < each.number}
        named = services.of(each.namespace, uris=each.uris, dns_names=each.dns_names)
        service = homes.get(holder) or named
        if older:
            yield _outdated(each, older, service)
        elif each.consumers and each.serial not in holdings and not shown.get(holder):
            asked = silent.get(holder, []) or [name for name in each.dns_names if name in silent]
            yield _unseen(each, service, unknown=bool(asked))


def _by_holder(ports: Iterable[Judged]) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """Who was seen on ports that answer; and the ports that do not, by holder and by the name asked for there."""
    shown: dict[str, set[str]] = {}
    silent: dict[str, list[str]] = {}
    for each in ports:
        if not each.silent:
            shown.setdefault(each.holder, set()).add(each.port.serial)
            continue
        for key in filter(None, (each.holder, each.port.server_name)):
            silent.setdefault(key, []).append(each.port.address)
    return shown, silent


def _numbers(
    in_force: Iterable[InForce], held: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[tuple[str, str], int]:
    """Which issue of its holder each serial is that is held and not in force, and each that is."""
    found = {(f"certificate/{each.namespace}/{each.name}", each.serial): each.number for each in in_force}
    known = {serial for _, serial in found}
    others = {serial for holdings in held.values() for serial in holdings if serial not in known}
    return found | {(each.holder, each.serial): each.number for each in queries.issues(others).values()}


def _outdated(of: InForce, older: Mapping[str, Sequence[str]], service: str) -> Row:
    consumers = sorted({name for names in older.values() for name in names})
    more = f" and {len(consumers) - NAMED} more" if len(consumers) > NAMED else ""
    return Row(
        kind="served_not_newest",
        namespace=of.namespace,
        service=service,
        subject=f"{of.namespace}/{of.name}",
        serial=min(older),
        since=of.since,
        sentence=f"{of.serial} is in force, and an older issue is held by {', '.join(consumers[:NAMED])}{more}",
        target=("certificate", of.namespace, of.name),
        key=f"served_old:certificate/{of.namespace}/{of.name}",
        detail={"serials": sorted(older), "in_force": of.serial, "consumers": consumers[:NAMED]},
    )


def _unseen(of: InForce, service: str, *, unknown: bool) -> Row:
    seen = "where it was or should be seen, nobody answers" if unknown else "nobody was seen with it"
    return Row(
        kind="issued_not_served",
        state="unknown" if unknown else "so",
        namespace=of.namespace,
        service=service,
        subject=f"{of.namespace}/{of.name}",
        serial=of.serial,
        since=of.since,
        sentence=f"{of.serial} is in force for {', '.join(of.consumers[:3])}, and {seen}",
        target=("certificate", of.namespace, of.name),
        key=f"not_served:{of.namespace}/{of.name}",
        detail={"serial": of.serial, "consumers": list(of.consumers[:NAMED])},
    )


def keys_in_doubt(rows: Iterable[Row]) -> set[str]:
    """The keys of findings of which nobody can tell at the moment whether they are so."""
    return {row.key for row in rows if row.state == "unknown"}

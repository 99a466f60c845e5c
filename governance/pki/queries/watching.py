"""What was set to be watched, and what was found, as it is listed."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from governance.kernel.actor import EVERYWHERE
from governance.pki import models
from governance.pki.ct.listeners import ListenerView
from governance.pki.ct.standing import GATE, Checked, Mode
from governance.pki.queries import logs


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """What an issuer's certificates need before they are put in force; revision 0 when it was never set."""

    issuer: str
    mode: Mode = GATE
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedView:
    """The names for which logs are searched, besides those of our own certificates."""

    names: tuple[str, ...] = ()
    revision: int = 0


def gates(issuers: Collection[str]) -> list[GateView]:
    """The gate of each of these issuers, in their order."""
    rows = {row.issuer: row for row in models.TransparencyGate.objects.filter(issuer__in=list(issuers))}
    return [
        GateView(issuer=name, mode=row.mode, revision=row.revision)  # type: ignore[arg-type]  # what the command allows
        if (row := rows.get(name))
        else GateView(issuer=name)
        for name in issuers
    ]


def watched() -> WatchedView:
    """The watched names, and since when."""
    row = models.WatchedNames.objects.filter(pk=1).first()
    return WatchedView(names=tuple(row.names), revision=row.revision) if row else WatchedView()


def listeners(
    *,
    namespaces: Collection[str] = (EVERYWHERE,),
    after: tuple[str, str, str] | None = None,
    limit: int | None = None,
) -> list[ListenerView]:
    """The ports to look at by (namespace, address, server_name), those after `after` when it is given."""
    rows = models.Listener.objects.order_by("namespace", "address", "server_name")
    if EVERYWHERE not in namespaces:
        rows = rows.filter(namespace__in=list(namespaces))
    if after is not None:
        namespace, address, server_name = after
        later = Q(address=address, server_name__gt=server_name) | Q(address__gt=address)
        rows = rows.filter(Q(namespace__gt=namespace) | Q(later, namespace=namespace))
    return [
        ListenerView(
            id=row.id,
            namespace=row.namespace,
            address=row.address,
            server_name=row.server_name,
            revision=row.revision,
        )
        for row in rows[:limit]
    ]


def logged_or_not(serials: Collection[str]) -> dict[str, Checked]:
    """What is known of each: the last check, and before the first the proof with which it was put in force."""
    found = logs.checks(serials)
    unchecked = [serial for serial in serials if serial not in found]
    for start in range(0, len(unchecked), 500):
        rows = models.LogProof.objects.filter(serial__in=unchecked[start : start + 500])
        for serial, proven_at in rows.values_list("serial", "proven_at"):
            found[serial] = Checked(serial=serial, state="logged", why="", checked_at=proven_at)
    return found

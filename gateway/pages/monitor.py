"""What is watched, and how strictly: the gate of each issuer, names in the logs, and TLS ports."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from gateway.pages.door import needs, visible
from gateway.pages.transparency_words import MODE_MEANS
from governance.kernel.actor import Actor
from governance.pki.ct import board
from governance.pki.ct.listeners import ListenerView
from governance.pki.ct.seen import gates_seen, unseen, watched_seen
from governance.pki.ct.showing import Judged
from governance.pki.queries import watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A TLS port and what it showed last; `listener` is None for one that nobody has to ask for to be looked at.

    What it shows is `hidden` when that is another namespace's affair.
    """

    namespace: str
    address: str
    server_name: str
    listener: ListenerView | None
    judged: Judged | None
    hidden: bool

    @property
    def state(self) -> str:
        """A key of PORT."""
        return "not_asked" if self.judged is None else "hidden" if self.hidden else self.judged.verdict

    @property
    def certificate(self) -> str:
        """namespace/name of the certificate of ours that it shows; empty when it is none with a name."""
        kind, _slash, path = self.judged.holder.partition("/") if self.judged and not self.hidden else ("", "", "")
        return path if kind == "certificate" else ""


@needs("pki.read")
def monitor(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The three settings, with what comes of each."""
    spaces = visible(request, actor, "pki.read")
    context = {
        "gates": [(gate, MODE_MEANS[gate.mode]) for gate in gates_seen(actor)],
        "modes": MODE_MEANS.items(),
        "watched": watched_seen(actor),
        "sees_watched": actor.may("pki.read"),
        "ports": ports(watching.listeners(namespaces=spaces), board.ports(spaces), spaces=spaces),
    }
    return render(request, "monitor.html", context)


def ports(listeners: Sequence[ListenerView], judged: Sequence[Judged], *, spaces: Collection[str]) -> list[Port]:
    """Every port that is looked at, those that somebody asked for first."""
    seen = {(each.port.namespace, each.port.address, each.port.server_name): each for each in judged}
    hidden = unseen([each.port for each in judged], spaces)
    asked = {(each.namespace, each.address, each.server_name): each for each in listeners}
    return [
        Port(
            namespace=place[0],
            address=place[1],
            server_name=place[2],
            listener=asked.get(place),
            judged=(found := seen.get(place)),
            hidden=found is not None and found.port in hidden,
        )
        for place in dict.fromkeys((*asked, *seen))
    ]


@needs("pki.read")
def check(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The form in which any certificate can be held against the logs."""
    del actor
    return render(request, "check.html")

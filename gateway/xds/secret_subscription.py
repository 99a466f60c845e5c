"""Secrets on one stream: a bad one must cost nobody but its owner; pure."""

import re
from collections.abc import Mapping

from gateway.xds.names import SECRET, TRUST
from gateway.xds.resource import Resource
from gateway.xds.snapshot import TypeState
from gateway.xds.subscription import Due, Subscription

# How a key in a dump of the message begins or is called, in PEM, in base64 of PEM, in text and in JSON.
_QUOTED = re.compile("PRIVATE KEY|LS0tLS1CRUdJTi|inline_(bytes|string)|inline(Bytes|String)")
_UNSHOWN = "refused with words that quote the secret, so they are not kept"


class SecretSubscription(Subscription):
    """Like any other, but for what follows a refusal.

    Envoy (1.40) goes on serving the certificate it had, yet keeps the one that it refused in mind: the next change of
    the trusted roots is refused for it as well. So what was accepted before is sent again. And it does not say which
    of several secrets it refused: so they go out once more, each by itself, and from then on always. Trusted roots are
    the first: without them a bad pair is not noticed, and they would be refused in its place.
    """

    __slots__ = ("restore", "singly")
    restores = True

    def __init__(self, *, delta: bool) -> None:
        super().__init__(SECRET, delta=delta)
        self.restore: dict[str, Resource] = {}
        self.singly = False

    def due(self, state: TypeState, *, keep: bool = False) -> Due | None:
        """What was accepted before a refusal, then as usual."""
        if self.restore:
            return Due(self.restore)
        found = super().due(state, keep=keep)
        if found is None or not self.singly or len(found.resources) < 2:
            return found
        first = min(found.resources, key=lambda name: (name != TRUST, name))
        return Due({first: found.resources[first]}, found.removed)

    def sent(self, due: Due, *, version: str, nonce: str) -> None:
        """Record that `due` went out."""
        super().sent(due, version=version, nonce=nonce)
        self.restore = {}

    def nack(self, text: str) -> None:
        """The client refused it, all of it or one of several; words in which there may be a key are not kept."""
        suspects = self.blamed(text)
        super().nack(_UNSHOWN if _QUOTED.search(text) else text)
        self.restore = self._before(suspects)
        if len(suspects) > 1:
            self.singly = True
            for name, item in suspects.items():
                del self.rejected[name, item.hash]
            self.withheld -= {(name, item.hash) for name, item in suspects.items()}

    def _before(self, suspects: Mapping[str, Resource]) -> dict[str, Resource]:
        return {name: self.accepted[name] for name in suspects if name in self.accepted}

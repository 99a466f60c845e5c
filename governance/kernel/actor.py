"""Who acts, through which door, and what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EVERYWHERE = "*"

Kind = Literal["person", "token", "workload", "system", "stranger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from."""

    door: str = "local"  # grpc-web | grpc | rest | page | websocket | cli | task | local
    address: str = ""  # source IP address, empty when there is none
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone or something that asks for changes and reads.

    `grants` maps a namespace, or EVERYWHERE, to the permissions held there.
    """

    name: str
    kind: Kind
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    origin: Origin = Origin()

    def may(self, permission: str, namespace: str = EVERYWHERE) -> bool:
        """Whether `permission` is held in `namespace`; asking for EVERYWHERE needs a grant that holds everywhere."""
        return permission in self.grants.get(EVERYWHERE, frozenset()) or permission in self.grants.get(
            namespace, frozenset()
        )

    def namespaces(self, permission: str) -> frozenset[str]:
        """The namespaces in which `permission` is held; {EVERYWHERE} when it holds everywhere."""
        if permission in self.grants.get(EVERYWHERE, frozenset()):
            return frozenset({EVERYWHERE})
        return frozenset(space for space, held in self.grants.items() if permission in held)

    def via(self, origin: Origin) -> "Actor":
        """The same actor, seen at another door."""
        return Actor(name=self.name, kind=self.kind, grants=self.grants, origin=origin)


class _Everything(frozenset[str]):
    """The set of all permissions, those not yet invented included."""

    def __contains__(self, item: object) -> bool:
        return True


SYSTEM = Actor(name="system", kind="system", grants={EVERYWHERE: _Everything()})
STRANGER = Actor(name="anonymous", kind="stranger")

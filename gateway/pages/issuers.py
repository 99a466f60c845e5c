"""The issuers that a reader may know of: those that sign for one of their namespaces."""

from collections.abc import Collection

from governance.kernel.actor import EVERYWHERE
from governance.pki.queries import authorities
from governance.pki.status import IssuerView


def usable_issuers(namespaces: Collection[str]) -> list[IssuerView]:
    """Issuers by name; one without a list of namespaces signs for all."""
    found = authorities.issuers()
    if EVERYWHERE in namespaces:
        return found
    return [each for each in found if not each.namespaces or set(each.namespaces) & set(namespaces)]

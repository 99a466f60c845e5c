"""Which of several certificates answers for a name that a client asks for."""

from collections.abc import Collection, Mapping, Sequence

from gateway.tls.pair import Pair
from governance.kernel.errors import Invalid


def covers(names: Collection[str], asked: str) -> bool:
    """Whether `asked` is one of `names`, or one label below a wildcard among them (RFC 6125, section 6.4.3)."""
    asked = asked.lower()
    return bool(asked) and (asked in names or _wildcard_over(asked) in names)


def in_order(default: Pair, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The default, then `pairs` in an order in which the first that covers a name is the one it belongs to.

    gRPC takes the first certificate that covers the name, be it by a wildcard, so those with wildcards come last.
    Refuses a pair without a DNS name, which nobody can ask for, and pairs of which one would answer for another.
    """
    ordered, refused = told_apart(default, pairs)
    for _, reason in refused:
        raise reason
    return ordered


def told_apart(default: Pair, pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], tuple[tuple[Pair, Invalid], ...]]:
    """As `in_order`, with what it would refuse apart, each with the reason; of two with one name the first has it."""
    ordered: list[Pair] = []
    refused: list[tuple[Pair, Invalid]] = []
    taken: dict[str, Pair] = {}
    for pair in (default, *sorted(pairs, key=lambda pair: any(name.startswith("*.") for name in pair.dns_names))):
        try:
            _check_asked_for(pair, taken, needed=pair is not default)
        except Invalid as reason:
            refused.append((pair, reason))
        else:
            taken |= dict.fromkeys(pair.dns_names, pair)
            ordered.append(pair)
    return tuple(ordered), tuple(refused)


def _check_asked_for(pair: Pair, taken: Mapping[str, Pair], *, needed: bool) -> None:
    if needed and not pair.dns_names:
        raise Invalid(f"the certificate {pair.serial} has no DNS name by which a client could ask for it")
    for name in pair.dns_names:
        if owner := taken.get(name) or taken.get(_wildcard_over(name)):
            raise Invalid(f"{name} is claimed by two certificates, {owner.serial} and {pair.serial}")


def _wildcard_over(name: str) -> str:
    return "*." + name.partition(".")[2]

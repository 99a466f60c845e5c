"""How many findings may stand open without an answer, so that noise about one thing silences no other; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from governance.pki.ct.standing import FindingKind, Noticed

# What strangers cause must grow neither the tables nor the ledger without end: a stranger can log certificates for our
# names, and a port shows what it likes. Of one kind a namespace has room for so many, all namespaces together for so
# many, and beyond that each for a few all the same.
OF_A_NAMESPACE, OF_A_KIND, AT_LEAST = 200, 1_000, 20
# These say that a log lies or that a key is in other hands: there is always room for them.
ALWAYS: frozenset[FindingKind] = frozenset({"log_lies", "not_issued"})
# What is found once and not looked at again; of the rest a later round finds what it left out.
ONCE: frozenset[FindingKind] = frozenset({"not_ours"})
MORE = "more:"
_KEPT = ("log", "log_id", "index", "serial", "address", "holder")

Place = tuple[str, str]  # kind and namespace


def is_always_told(noticed: Noticed) -> bool:
    """Whether there is room for it in any case."""
    return noticed.kind in ALWAYS or bool(noticed.detail.get("by_our_key")) or noticed.key.startswith(MORE)


def fitting(fresh: Iterable[Noticed], open_: Mapping[Place, int]) -> list[Noticed]:
    """Those of `fresh` that there is room for, and for the rest of a place one that says that there are more.

    `open_` is how many stand open and unanswered, without those that there is room for in any case.
    """
    taken, of_kind, left = Counter(open_), Counter[str](), dict[Place, Noticed]()
    for (kind, _), count in open_.items():
        of_kind[kind] += count
    kept = []
    for each in fresh:
        place = each.kind, each.namespace
        if is_always_told(each):
            kept.append(each)
        elif _has_room(taken[place], of_kind[each.kind]):
            taken[place] += 1
            of_kind[each.kind] += 1
            kept.append(each)
        else:
            left.setdefault(place, more(each))
    return [*kept, *left.values()]


def _has_room(in_namespace: int, of_kind: int) -> bool:
    return in_namespace < AT_LEAST or (in_namespace < OF_A_NAMESPACE and of_kind < OF_A_KIND)


def more(first: Noticed) -> Noticed:
    """That more was found than is kept, from this one on: it is one finding however many they are."""
    return Noticed(
        key=f"{MORE}{first.kind}:{first.namespace}",
        kind=first.kind,
        namespace=first.namespace,
        subject=first.subject,
        message="there are more of this kind than are listed, this being the first that is not: "
        f"answer or mend some of those that are. {first.message}",
        detail={name: first.detail[name] for name in _KEPT if name in first.detail},
    )


def is_over(more_key: str, open_: Mapping[Place, int], *, answered: bool) -> bool:
    """Whether that there are more can be closed: there is much room again, and somebody knows what was left out."""
    kind, _, namespace = more_key.removeprefix(MORE).partition(":")
    if kind in ONCE and not answered:
        return False
    total = sum(count for (other, _), count in open_.items() if other == kind)
    return open_.get((kind, namespace), 0) * 2 <= OF_A_NAMESPACE and total * 2 <= OF_A_KIND

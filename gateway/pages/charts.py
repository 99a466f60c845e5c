"""Points of small charts; the markup is plain SVG, which needs neither scripts nor inline styles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.ledger.queries import Entry

WIDTH, HEIGHT = 240, 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A line over time in a box of WIDTH by HEIGHT, in pieces: where nothing is known there is none."""

    lines: tuple[str, ...]
    areas: tuple[str, ...]
    peak: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment on a chart: something changed at `x`."""

    x: str
    entry: Entry


def marks(entries: Iterable[Entry], *, until: datetime, window_s: int) -> list[Mark]:
    """Where the changes of the last `window_s` stand on a chart that ends at `until`."""
    ages = [((until - entry.at).total_seconds(), entry) for entry in entries]
    return [
        Mark(x=f"{WIDTH * (1 - age / window_s):.1f}", entry=entry)
        for age, entry in reversed(ages)
        if 0 <= age < window_s
    ]


def rates(
    samples: Sequence[tuple[datetime, int, int]], *, until: datetime, window_s: int, step_s: int
) -> list[tuple[float, float] | None]:
    """(calls, errors) per second in steps of `step_s` over the `window_s` before `until`, oldest first.

    None for a step of which nothing was reported, which is not the same as no calls.
    """
    steps: list[tuple[float, float] | None] = [None] * (window_s // step_s)
    for at, calls, errors in samples:
        index = len(steps) - 1 - int((until - at).total_seconds() // step_s)
        if 0 <= index < len(steps):
            known = steps[index] or (0.0, 0.0)
            steps[index] = (known[0] + calls / step_s, known[1] + errors / step_s)
    return steps


def spark(values: Sequence[float | None]) -> Spark | None:
    """`values` from left to right over the floor of zero; None when no two neighbours are known."""
    pieces = [piece for piece in _pieces(values) if len(piece) > 1]
    if not pieces:
        return None
    peak = max(value for piece in pieces for _, value in piece) or 1.0
    across = WIDTH / (len(values) - 1)
    drawn = [[(index * across, HEIGHT - 2 - (HEIGHT - 6) * value / peak) for index, value in piece] for piece in pieces]
    lines = tuple(" ".join(f"{x:.1f},{y:.1f}" for x, y in points) for points in drawn)
    ends = [(points[0][0], points[-1][0]) for points in drawn]
    areas = [f"{x0:.1f},{HEIGHT} {line} {x1:.1f},{HEIGHT}" for line, (x0, x1) in zip(lines, ends, strict=True)]
    return Spark(lines=lines, areas=tuple(areas), peak=peak)


def _pieces(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    pieces: list[list[tuple[int, float]]] = [[]]
    for index, value in enumerate(values):
        if value is not None:
            pieces[-1].append((index, value))
        elif pieces[-1]:
            pieces.append([])
    return pieces

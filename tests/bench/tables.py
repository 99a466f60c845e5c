"""Tables of measurements, each row beside the bare limit of the same run."""

import time
from collections.abc import Callable

from rich.table import Table


def table_of(title: str) -> Table:
    """An empty table."""
    table = Table(title=title, title_justify="left")
    for heading in ("", "how many", "per second", "of the bare limit"):
        table.add_column(heading, justify="left" if not heading else "right")
    return table


def measured(table: Table, what: str, count: int, act: Callable[[], object], *, bare: float = 0.0) -> float:
    """Do it, and add how many of `count` were done in a second."""
    begun = time.perf_counter()
    act()
    rate = count / (time.perf_counter() - begun)
    table.add_row(what, f"{count:,}", f"{rate:,.0f}", f"{100 * rate / bare:.0f} %" if bare else "")
    return rate

"""Writes what was seen. Observations are not changes: they leave no fact."""

from governance.pki.observe.holdings import Seen, gone, holdings, process_gone, prune

__all__ = ["Seen", "gone", "holdings", "process_gone", "prune"]

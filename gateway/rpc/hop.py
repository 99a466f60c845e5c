"""One hop from the event loop into a thread that may use the database, and one hop back."""

from gateway.threads import Threads

# Writers queue for the ledger's lock anyway; a few threads keep reads from waiting behind them.
hop = Threads(8, "hop").run

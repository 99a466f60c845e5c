"""What a log must never do, told apart from a log that merely cannot be read; pure."""

from collections.abc import Mapping
from typing import Literal, get_args

Kind = Literal[
    "forked",  # two roots for one size
    "shrunk",  # a smaller tree at a later time
    "inconsistent",  # a larger tree that does not begin with the smaller one
    "wrong_tile",  # a tile, or a proof, that does not lead to the signed root
    "bad_signature",  # a head or a promise that the log's key did not sign
    "wrong_entry",  # another entry than the one promised, or one that is not what its leaf says
    "wrong_origin",  # a head of some other log
    "beyond_final",  # growth after the log's list said how it ends
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What a log shows is as long as it likes, and evidence is copied into findings and facts. A tile of hashes in base64
# (10,924 characters) and an entry of the usual size stand in it whole.
MOST_CHARACTERS, MOST_IN_A_MESSAGE = 16 * 1024, 500


class Misbehaved(Exception):
    """A log broke its word, and `evidence` shows it to whoever was not there.

    `evidence` holds texts by name: heads as they were signed, roots and leaves in hex, numbers in decimal; what has
    more than 16,384 characters is cut, and says so. This is no refusal of a request: it must not be answered as one,
    nor tried again.
    """

    def __init__(self, kind: Kind, message: str = "", evidence: Mapping[str, str] | None = None) -> None:
        super().__init__(kind, message)
        self.kind: Kind = kind
        self.message = _cut(message or f"the log misbehaved: {kind}", MOST_IN_A_MESSAGE)
        self.evidence: Mapping[str, str] = {
            name: _cut(text, MOST_CHARACTERS) for name, text in (evidence or {}).items()
        }

    def __str__(self) -> str:
        return self.message


def _cut(text: str, most: int) -> str:
    """The beginning of what is too long, and how much that was; cut again it stays the same."""
    if len(text) <= most:
        return text
    end = f" ... ({len(text)} characters, cut)"
    return text[: most - len(end)] + end

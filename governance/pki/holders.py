"""Who has an issued certificate, as one text: kind, namespace and name; pure."""

import re

from governance.kernel.actor import EVERYWHERE
from governance.kernel.errors import Invalid
from governance.kernel.ids import check_label

KINDS = ("certificate", "workload", "request")
_SERIAL = re.compile(r"[0-9a-f]{1,40}")


def holder_of(kind: str, namespace: str, name: str) -> str:
    """The holder `name` of `namespace`: a managed certificate, a workload, or whoever a request was signed for."""
    if kind not in KINDS:
        raise Invalid(f"{kind[:40]!r} is not one of {', '.join(KINDS)}", field="kind")
    check_label(namespace, field="namespace")
    check_label(name, field="name")
    return f"{kind}/{namespace}/{name}"


def namespace_of(holder: str) -> str:
    """The namespace whose people may see and revoke what `holder` has; "*" for what belongs to the installation."""
    kind, _, rest = holder.partition("/")
    return rest.partition("/")[0] if kind in KINDS else EVERYWHERE


def serial_from(text: str) -> str:
    """A serial number as it is kept, from however tools print it: 0A:1B:2C, 0x0a1b2c, 0A1B2C."""
    found = text.strip().lower().removeprefix("0x").replace(":", "").lstrip("0")
    if not _SERIAL.fullmatch(found):
        raise Invalid(f"{text[:80]!r} is not a serial number in hex of at most 40 digits", field="serial")
    return found

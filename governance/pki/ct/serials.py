"""Serial numbers as the columns hold them by which certificates are found; pure."""

import hashlib

_DIGITS = 40  # 20 bytes in hex, and no more are allowed (RFC 5280, section 4.1.2.2)


def searched(serial: str) -> str:
    """What a column holds of a serial number: ours as they are, and of a longer one the beginning and a digest.

    Whoever does not keep to 20 bytes has made what is to be seen above all; it must neither be refused nor be taken
    for one of ours that begins in the same way.
    """
    if len(serial) <= _DIGITS:
        return serial
    digest = hashlib.sha256(serial.encode()).hexdigest()[:16]
    return f"{serial[: _DIGITS - 17]}~{digest}"

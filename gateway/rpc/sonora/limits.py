"""How much one caller, and all of them together, may ask of the edge."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of the edge; the defaults are gRPC's where gRPC has one."""

    message_bytes: int = 4 * 1024 * 1024
    metadata_bytes: int = 16 * 1024
    # A request whose body is not there by then is refused: nobody may hold a place by trickling bytes.
    body_within_s: float = 30.0
    open_calls: int = 4000
    # HTTP/1.1 allows a browser six connections to one origin, but many people can share one proxy.
    open_calls_per_address: int = 1000
    # The head of a stream is sent by then even when no message is, or fetch() would not resolve.
    head_after_s: float = 0.2
    # A handler that was told to stop is waited for this long before its caller is answered.
    wind_down_s: float = 1.0
    # What is read and thrown away of a refused request, so that its connection stays usable.
    discard_bytes: int = 16 * 1024 * 1024
    discard_within_s: float = 2.0

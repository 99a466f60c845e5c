"""The server side of gRPC's TLS, with certificates that change while it serves."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import grpc
import structlog
from prometheus_client import Counter

from gateway.tls.names import covers, in_order
from gateway.tls.pair import Pair, check_valid
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, Invalid, Unavailable
from governance.pki.pem import chain_from_pem

log = structlog.get_logger(__name__)
refused_total = Counter(
    "governor_tls_credentials_refused_total", "Certificates that a running server did not take over"
)

OnRefused = Callable[[GovernanceError], None]


def _say_refused(error: GovernanceError) -> None:
    log.error("certificates were refused, the old ones stay", reason=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What new connections get. It is replaced whole, as gRPC's own threads read it."""

    pairs: tuple[Pair, ...]
    roots_pem: bytes
    turn: object = field(default_factory=object, compare=False)  # tells one configuration from the next


class HotCredentials:
    """What a server shows and whom it trusts; each connection begins with what is in force at that moment.

    The default stands first: gRPC answers a name that it does not know with the first certificate, so that must be one
    that belongs to no tenant. Connections and streams that are open stay as they are. gRPC would ignore a bad pair or
    root without a word and keep the old ones; here it is refused, counted, and told to `on_refused`.
    """

    def __init__(
        self,
        default: Pair | None = None,
        *,
        require_client_certificate: bool,
        roots_pem: bytes = b"",
        on_refused: OnRefused = _say_refused,
    ) -> None:
        self._require = require_client_certificate
        self._on_refused = on_refused
        self._served: _Served | None = None
        self._changing = threading.Lock()  # rotations and revocations come from different threads
        if default is not None:
            self.use((), default=default, roots_pem=roots_pem)

    def use(self, pairs: Sequence[Pair], *, default: Pair, roots_pem: bytes) -> bool:
        """Serve with these from now on; False when nothing changes. What is refused leaves everything as it was.

        A client that asks for a name gets the pair whose certificate has it. Clients are trusted below `roots_pem`.
        """
        try:
            served = self._checked(pairs, default, roots_pem)
        except GovernanceError as error:
            refused_total.inc()
            self._on_refused(error)
            raise
        with self._changing:
            changed = served != self._served
            if changed:
                self._served = served
        return changed

    def renew(self) -> None:
        """Serve with the same, made anew: sessions that clients could resume without a look at their certificate end.

        Call it whenever a certificate was revoked. Does nothing before the first `use`.
        """
        with self._changing:
            if self._served is not None:
                self._served = replace(self._served, turn=object())

    def serves(self, name: str) -> bool:
        """Whether the certificate that a client gets when it asks for `name` is one for that name."""
        return self._served is not None and any(covers(pair.dns_names, name) for pair in self._served.pairs)

    def credentials(self) -> grpc.ServerCredentials:
        """For one `add_secure_port`: each port is told of a change once, so each needs its own.

        Unavailable before the first `use`.
        """
        served = self._in_force()
        told = served.turn

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal told  # gRPC asks for one connection of a port after the other
            if (served := self._in_force()).turn is told:
                return None
            told = served.turn
            return _configuration(served)

        return grpc.dynamic_ssl_server_credentials(_configuration(served), fetch, self._require)  # type: ignore[arg-type]

    def _in_force(self) -> _Served:
        if self._served is None:
            raise Unavailable("there is no certificate to serve with yet")
        return self._served

    def _checked(self, pairs: Sequence[Pair], default: Pair, roots_pem: bytes) -> _Served:
        at = now()
        ordered = in_order(default, pairs)
        for pair in ordered:
            check_valid(pair, at)
        if roots_pem:
            chain_from_pem(roots_pem, field="roots_pem")
        elif self._require:
            raise Invalid("is empty, so no client's certificate could be checked", field="roots_pem")
        return _Served(pairs=ordered, roots_pem=roots_pem)


def _configuration(served: _Served) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(pair.key_pem, pair.chain_pem) for pair in served.pairs], served.roots_pem or None
    )

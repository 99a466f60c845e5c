"""What lies outside of a house: a pinned log, two of the public list, one that never answers, and a forged port."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.pki.ct import loglist
from governance.pki.ct.logs import Log, LogState
from governance.pki.pem import to_pem
from tests.fixtures.ctlog import CtLog
from tests.pki.ct.ports import Door, Identity, door
from tests.pki.ct.promising import Wanted, authority
from tests.pki.ct.reading import fill

DAY = timedelta(days=1)


@dataclass
class Outside:
    """Rome is pinned; Paris and Oslo are on the public list, of which Oslo is read in the old way.

    `environ` is what a house has to be started with to know of them.
    """

    rome: CtLog
    paris: CtLog
    oslo: CtLog
    environ: Mapping[str, str]

    def go_wrong(self) -> None:
        """Rome takes its time, Oslo contradicts itself, and Paris has a stranger's certificate for a name of ours."""
        self.rome.holds = True
        self.oslo.fork()
        stranger = authority("Cheap Certificates CA")
        self.paris.holds = False
        self.paris.add_chain([Wanted("pay.example.com").certificate(stranger), stranger.certificate])

    def public_certificate(self) -> str:
        """One of a public authority with its issuer, in PEM: Paris and Oslo promised to log it, and did."""
        issuer, wanted = authority("Public CA"), Wanted("www.elsewhere.example")
        logs = (self.paris, self.oslo)
        scts = [log.add_pre_chain([wanted.precertificate(issuer), issuer.certificate]) for log in logs]
        for log in logs:
            log.sign()
        return to_pem(wanted.certificate(issuer, scts), issuer.certificate)


@contextmanager
def outside(directory: Path) -> Iterator[Outside]:
    """All of it, while the block lasts."""
    with ExitStack() as stack:
        rome, paris, oslo = (stack.enter_context(CtLog(name)) for name in ("rome2026", "paris2026", "oslo2026"))
        for log in (paris, oslo):
            fill(log, 12)
            log.sign()
        directory.mkdir(parents=True, exist_ok=True)
        yield Outside(rome=rome, paris=paris, oslo=oslo, environ=_lists(directory, rome, paris, oslo))


def _lists(directory: Path, rome: CtLog, paris: CtLog, oslo: CtLog) -> Mapping[str, str]:
    pinned, public, key_file = (directory / name for name in ("pinned.json", "public.json", "public.pem"))
    pinned.write_text(loglist.to_json([rome.log(mmd_s=1, description="Rome 2026h2", operator="Rome Trust")]))
    since = datetime.now(UTC) - 200 * DAY
    usable, retired = (LogState("usable", since),), (LogState("retired", since),)
    logs = [
        paris.log(description="Paris 2026h2", operator="Lutetia", states=usable),
        oslo.log("rfc6962", description="Oslo 2026", operator="Nordlys AS", states=usable),
        _silent("Vienna 2026", operator="Donau", states=usable),
        _silent("Lisbon 2024", operator="Atlântico", states=retired),
    ]
    text = loglist.to_json(logs, at=datetime.now(UTC) - 3 * DAY, version="62.14")
    public.write_text(text)
    key = ec.generate_private_key(ec.SECP256R1())
    key_file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    public.with_suffix(".sig").write_bytes(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return {"GOV_CT_LOGS": str(pinned), "GOV_CT_LOG_LIST": str(public), "GOV_CT_LOG_LIST_KEY": str(key_file)}


def _silent(name: str, **values: Any) -> Log:
    """A log at whose address nobody listens any more."""
    with CtLog(name.lower().replace(" ", "")) as log:
        return log.log(description=name, **values)


@contextmanager
def forged_port(files: Path) -> Iterator[Door]:
    """A port that shows the chain that somebody left in `files`."""
    show = Identity(chain_pem=(files / "forged.pem").read_text(), key_pem=(files / "forged.key").read_bytes())
    with door(show) as there:
        yield there

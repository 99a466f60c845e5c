"""A house whose certificates stand in every way towards the logs; also run, part by part, before a product starts.

Between the parts the world outside goes on: what it does is in `outside`.
"""

import sys
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from gateway.supervise.prepare import migrate
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import moved, now
from governance.ledger.execute import execute
from governance.pki.commands import AddListener, IssueNow, SetTransparency, WatchNames
from governance.pki.ct import auditing, logalarms, looking, publiclist, tailing
from governance.pki.ct.own import submission
from governance.pki.ct.submitting import log_and_sign
from governance.pki.keys import make_key
from governance.pki.leaf import draft
from governance.pki.names import Names
from governance.pki.queries.authorities import signer_of
from governance.pki.worker import issue_due
from tests.fixtures.leaves import issue
from tests.gateway.pages import issued
from tests.pki.ct.ports import identity

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FORGED = "login.shop.example.com"


def before() -> None:
    """Certificates of three months, one that was logged and then not issued, and what a thief made of our key."""
    issued.fill()
    at = now() - 30 * MINUTE
    with moved(lambda: at):
        _, signer = signer_of("internal")
        key = make_key("ECDSA", 256)
        given_up = draft(signer, key.public_key(), Names(dns=("try.shop.example.com",)), life=30 * DAY, at=at)
        log_and_sign([(given_up, "certificate/shop/try")], required=True)
    forged = identity(key, issue(signer, key.public_key(), Names(dns=(FORGED,)), life=30 * DAY, at=at), *signer.chain)
    files = Path(settings.DATA_DIR)
    (files / "forged.pem").write_text(forged.chain_pem)
    (files / "forged.key").write_bytes(forged.key_pem)


def beginning() -> None:
    """The logs are known and read for the first time, names are watched, and one certificate is in two logs."""
    publiclist.keep_list(now())
    execute(WatchNames(names=("example.com", "example.org")), by=SYSTEM, reason="what we are known by")
    read_logs()
    issued.want("shop", "basket")


def trouble(address: str = "") -> None:
    """One certificate used without proof, one that waits, one that was logged behind our back, and a forged port."""
    execute(SetTransparency(issuer="internal", mode="alarm"), by=SYSTEM, reason="Rome is slow today")
    issued.want("shop", "returns")
    execute(SetTransparency(issuer="internal", mode="gate"), by=SYSTEM)
    execute(IssueNow(namespace="shop", name="basket"), by=SYSTEM, reason="a new key")
    issue_due()
    _, signer = signer_of("internal")
    stolen = issue(
        signer, make_key("ECDSA", 256).public_key(), Names(dns=("bank.example.com",)), life=30 * DAY, at=now()
    )
    submission.take([each.public_bytes(Encoding.DER) for each in (stolen, *signer.chain)], pre=False)
    if address:
        execute(AddListener(namespace="shop", address=address, server_name=FORGED), by=SYSTEM, reason="the front door")
    look()


def look() -> None:
    """What the clock starts, as it is some seconds later."""
    at = now() + timedelta(seconds=5)
    with moved(lambda: at):
        auditing.prove_waiting()
        auditing.check_live(before=at)
        read_logs()
        looking.look()


def read_logs() -> None:
    """One round over all logs, and what is to be said of them."""
    logalarms.tell(tailing.read_logs(), now())


def main(part: str, *arguments: str) -> None:
    """Do one part in the data directory of this process: `manage.py shell -c` runs this."""
    if part == "before":
        migrate()
    getattr(sys.modules[__name__], part)(*arguments)

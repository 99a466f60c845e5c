"""Gives a program on this machine its identity, by whoever may use the database: no request crosses a wire."""

from gateway.agent import identity as own
from governance.kernel.actor import SYSTEM, Origin
from governance.ledger.execute import execute
from governance.pki import enrolment
from governance.pki.commands import CreateJoinToken
from governance.pki.keys import make_key


def joined(namespace: str, workload: str, *, reason: str) -> own.Identity:
    """A first certificate by a join token of its own, as any program gets it."""
    secret = enrolment.new_secret()
    token = CreateJoinToken(namespace=namespace, workload=workload, digest=enrolment.digest(secret))
    execute(token, by=SYSTEM, reason=reason)
    key = make_key("ECDSA", 256)
    answer = enrolment.join(secret, own.asked(key), origin=Origin())
    return own.granted(key, answer.chain_pem.encode(), answer.roots_pem.encode())

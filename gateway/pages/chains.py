"""The chain of an issued certificate: who signed whom, and what verifiers make of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from django.conf import settings

from gateway.pages.certificate_words import VERDICT_WORDS
from governance.pki.certificates import usage_names
from governance.pki.chain import Step, Verdict, verify
from governance.pki.pem import chain_from_pem
from governance.pki.queries import authorities
from governance.pki.status import IssuedCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a verifier on the other side makes of the chain; `name` is whom it expects, empty for anyone."""

    purpose: Literal["server", "client"]
    name: str
    verdict: Verdict

    @property
    def word(self) -> str:
        """The verdict in the reader's language."""
        return str(VERDICT_WORDS.get(self.verdict.reason, self.verdict.message))

    @property
    def said_nowhere_else(self) -> bool:
        """Whether what is wrong is about no certificate in particular, and so stands beside none."""
        return not self.verdict.ok and all(self.verdict.message not in step.problems for step in self.verdict.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One certificate of the chain; `state` is good, revoked or unknown, `kind` leaf, signer or root."""

    step: Step
    kind: Literal["leaf", "signer", "root"]
    state: Literal["good", "revoked", "unknown"]


def judged(issue: IssuedCertificate, at: datetime) -> list[Judged]:
    """The chain as its users will see it: as a server's where it may be one, as a client's where it may be one."""
    chain = chain_from_pem(issue.chain_pem, field="chain_pem")
    roots_pem = authorities.roots_pem()
    roots = chain_from_pem(roots_pem, field="roots") if roots_pem else ()
    crls = [x509.load_der_x509_crl(each) for each in authorities.revocation_lists()]
    found = []
    for purpose, name in _purposes(issue, usage_names(chain[0])):
        domain = settings.GOV.trust_domain if purpose == "client" and issue.uris else ""
        verdict = verify(chain, roots=roots, at=at, purpose=purpose, name=name, crls=crls, trust_domain=domain)
        found.append(Judged(purpose=purpose, name=name, verdict=verdict))
    return found


def links(verdict: Verdict) -> list[Link]:
    """The chain from its root down to the leaf."""
    top = len(verdict.steps) - 1
    return [
        Link(
            step=step,
            kind="leaf" if depth == 0 else "root" if depth == top and step.subject == step.issuer else "signer",
            state="unknown" if step.revoked == "unknown" else "revoked" if step.revoked else "good",
        )
        for depth, step in reversed(list(enumerate(verdict.steps)))
    ]


def _purposes(issue: IssuedCertificate, usages: Sequence[str]) -> list[tuple[Literal["server", "client"], str]]:
    found: list[tuple[Literal["server", "client"], str]] = []
    if "server auth" in usages:
        plain = [name for name in issue.dns_names if not name.startswith("*.")]
        found.append(("server", next(iter((*plain, *issue.uris)), "")))
    if "client auth" in usages:
        found.append(("client", next(iter(issue.uris), "")))
    return found

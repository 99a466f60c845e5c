"""What the fleet needs in the ledger before it starts: its services, and a workload with a token."""

from pathlib import Path

from django.conf import settings

from gateway.demo.shop import NAMESPACE, SHOP, instances
from governance.access import queries as access
from governance.access import tokens
from governance.access.commands.people import CreatePerson
from governance.access.commands.roles import GrantRole
from governance.access.commands.tokens import CreateToken, RevokeToken
from governance.access.values import RoleGrant, TokenSpec
from governance.kernel.actor import SYSTEM
from governance.kernel.clock import now
from governance.kernel.errors import Unauthenticated
from governance.ledger.execute import execute
from governance.registry import queries as registry
from governance.registry.commands import CreateService
from governance.registry.values import ServiceSpec

WORKLOAD = "demo-fleet"
TOKEN_NAME = "fleet"  # noqa: S105  (a name)
TOKEN_LIFETIME_S = 7 * 24 * 3600
REASON = "demo fleet"


def directory() -> Path:
    """Where the fleet keeps its files."""
    path: Path = settings.DATA_DIR / "demo"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def services() -> None:
    """Create those services that are missing."""
    for offer in SHOP:
        if registry.service(NAMESPACE, offer.name) is None:
            spec = ServiceSpec(
                namespace=NAMESPACE,
                name=offer.name,
                owner=offer.owner,
                description=offer.description,
                grpc_services=(offer.grpc_service,),
            )
            execute(CreateService(namespace=NAMESPACE, spec=spec), by=SYSTEM, reason=REASON)


def ports() -> dict[str, int]:
    """The port at which each instance was registered last: taking it again changes nothing for anyone."""
    planned = {one.name for offer in SHOP for one in instances(offer)}
    found = registry.services(namespaces=(NAMESPACE,))
    return {one.name: one.port for service in found for one in service.endpoints if one.name in planned}


def token() -> str:
    """The secret of the fleet's live token, made anew when there is none; it is kept in a file of this user alone."""
    kept = directory() / "token"
    if kept.exists() and _opens(secret := kept.read_text()):
        return secret
    if access.person(WORKLOAD) is None:
        execute(CreatePerson(username=WORKLOAD, must_change_password=False), by=SYSTEM, reason=REASON)
    execute(GrantRole(username=WORKLOAD, role="workload", namespace=NAMESPACE), by=SYSTEM, reason=REASON)
    for old in access.owned_tokens(WORKLOAD):
        if old.name == TOKEN_NAME and old.state(now()) == "live":
            execute(RevokeToken(id=old.id), by=SYSTEM, reason="its secret is lost")
    secret = tokens.make()
    grants = (RoleGrant(role="workload", namespace=NAMESPACE),)
    spec = TokenSpec(name=TOKEN_NAME, grants=grants, lifetime_s=TOKEN_LIFETIME_S)
    execute(CreateToken(owner=WORKLOAD, spec=spec, digest=tokens.digest(secret)), by=SYSTEM, reason=REASON)
    kept.touch(mode=0o600)
    kept.write_text(secret)
    return secret


def _opens(secret: str) -> bool:
    try:
        actor = access.actor_of_token(secret)
    except Unauthenticated:
        return False
    return actor.may("registry.register", NAMESPACE)

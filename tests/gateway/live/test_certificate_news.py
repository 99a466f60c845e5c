"""Pages that show certificates hear when one of theirs changed, and nothing of the others."""

import asyncio

from governance.kernel.actor import EVERYWHERE, SYSTEM
from governance.ledger.execute import execute
from governance.pki.commands import RequestCertificate
from governance.pki.setup import ensure_pki
from governance.pki.values import CertificateSpec
from tests.fixtures.house import House
from tests.gateway.live.conftest import Door, SignIn


def _want(namespace: str) -> int:
    spec = CertificateSpec(secret_name="web", issuer="internal", dns_names=(f"web.{namespace}.example.com",))
    return execute(RequestCertificate(namespace=namespace, name="web", spec=spec), by=SYSTEM).revision


async def test_a_change_of_a_certificate_is_told_to_those_who_may_see_it(
    door: Door, signed_in: SignIn, house: House
) -> None:
    await asyncio.to_thread(ensure_pki)
    vera = await asyncio.to_thread(signed_in, "vera", "viewer", "shop")
    otto = await asyncio.to_thread(signed_in, "otto", "viewer", EVERYWHERE)
    async with door.open("/live/fleet", session=vera) as one, door.open("/live/fleet", session=otto) as other:
        first, known = await one.next(), await other.next()
        revision = await asyncio.to_thread(_want, "bank")
        told = await other.next()
        assert told["certificates"] == revision > known["certificates"]
        own = await asyncio.to_thread(_want, "shop")
        assert (await one.next())["certificates"] == own > first["certificates"]

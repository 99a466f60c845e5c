"""A proxyless client as a process of its own: `python -m gateway.demo.caller <pid of the parent> <load> <tally file>`.

GRPC_XDS_BOOTSTRAP names the bootstrap that says who it is and where its control plane is.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import grpc

from gateway.demo.shop import SHOP
from gateway.demo.traffic import Tally, follow, steady, together, unary
from gateway.supervise.entry import die_with

RATE = 40.0
# After a change of zone or policy a channel should not wait minutes for an endpoint that came back.
OPTIONS = (("grpc.max_reconnect_backoff_ms", 2000), ("grpc.keepalive_time_ms", 30_000))


async def call_all(tally_file: Path, *, load: float) -> None:
    """Call every service at an equal rate and hold a stream to each, until cancelled."""
    tally = Tally(tally_file)
    works = [tally.keep()]
    for offer in SHOP:
        # Whether calls go over TLS is for the control plane to say.
        credentials = grpc.xds_channel_credentials(grpc.local_channel_credentials())
        channel = grpc.aio.secure_channel(f"xds:///{offer.name}", credentials, options=OPTIONS)
        works.append(steady(unary(channel, offer), rate=load * RATE / len(SHOP), tally=tally))
        works.append(follow(channel, offer, tally=tally))
    await together(*works)


async def _until_asked(tally_file: Path, load: float) -> None:
    calling = asyncio.create_task(call_all(tally_file, load=load))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, calling.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await calling


def main() -> None:
    """Call until SIGTERM, or until the fleet ends."""
    parent, load, tally_file = sys.argv[1:]
    die_with(int(parent))
    asyncio.run(_until_asked(Path(tally_file), float(load)))


if __name__ == "__main__":
    main()

"""What one running Governor holds alone."""

import socket
from pathlib import Path

import grpc
import pytest

from gateway.supervise import places
from governance.kernel.errors import Unavailable


def test_a_data_directory_is_held_by_one(tmp_path: Path) -> None:
    message = r"another Governor \(pid \d+\) runs on .*; stop it, or set GOV_DATA_DIR"
    with places.hold(tmp_path), pytest.raises(Unavailable, match=message):
        places.hold(tmp_path)
    places.hold(tmp_path).close()


def test_a_reserved_port_is_given_to_no_stranger_but_to_a_grpc_server() -> None:
    async def serve(port: int) -> None:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        assert server.add_insecure_port(f"127.0.0.1:{port}") == port
        await server.start()
        await server.stop(0)

    import asyncio

    with places.reserved("127.0.0.1", 0, name="GOV_GRPC_ADDR") as held:
        port = places.port_of(held)
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        asyncio.run(serve(port))


def test_a_port_in_use_is_one_sentence() -> None:
    with places.listening("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"GOV_HTTP_ADDR: cannot listen on 127.0.0.1:{port}: Address already"):
            places.listening("127.0.0.1", port)

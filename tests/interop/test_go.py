"""An unmodified grpc-go client and server under the same switches."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from governance.dataplane import queries as dataplane
from governance.registry import queries as registry
from tests.fixtures.house import House
from tests.interop.fleet import backends, control_plane, proxyless, until
from tests.interop.switching import STEPS, Scene, agrees, lost_nothing, switch

SOURCE = Path(__file__).parent / "go"


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The built module; what it needs comes from the Go module proxy."""
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no Go toolchain here")
    built = tmp_path_factory.mktemp("go") / "interop"
    done = subprocess.run([go, "build", "-o", str(built), "."], cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"go build failed: {done.stderr[-300:]}")
    return str(built)


@pytest.fixture
def scene(house: House, tmp_path: Path, go_program: str) -> Iterator[Scene]:
    """Four grpc-go servers, a grpc-go client in z1 and a grpcio client in z2."""
    with ExitStack() as stack:
        stack.enter_context(backends(command=[go_program, "serve"])).register()
        control = stack.enter_context(control_plane()).address
        callers = proxyless(tmp_path, control, node_id="grpc-go", zone="z1", rate=300, command=[go_program, "call"])
        python = proxyless(tmp_path, control, node_id="grpc-python", zone="z2", rate=300)
        yield {"grpc-go": (stack.enter_context(callers), "z1"), "grpc-python": (stack.enter_context(python), "z2")}


def test_grpc_go_follows_every_policy_and_loses_no_call(scene: Scene) -> None:
    until(lambda: len(dataplane.clients()) == len(scene), what="the clients' rows")
    assert {client.node_id: client.kind for client in dataplane.clients()} == {node: node for node in scene}
    for step in STEPS:
        balancing = switch(scene, step)
        agrees(scene, balancing)
        if balancing.policy == "ring_hash":
            assert scene["grpc-go"][0].keys == scene["grpc-python"][0].keys
    lost_nothing(scene)


def test_the_health_of_grpc_go_servers_is_seen(scene: Scene) -> None:
    def healthy() -> bool:
        service = registry.service("default", "checkout")
        return service is not None and all(endpoint.health == "healthy" for endpoint in service.endpoints)

    until(healthy, what="healthy endpoints")

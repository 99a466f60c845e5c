"""The product with its demo fleet, seen in Chromium."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from gateway.proto import common_pb2, traffic_pb2
from tests.browser.desk import ADMIN, Desk, sign_in
from tests.fixtures.grpcweb import GrpcWeb, GrpcWebError
from tests.fixtures.product import PASSWORD, ROOT, Product, eventually, running

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
TRAFFIC = "/governor.admin.v1.TrafficService/"
FLEET = 7  # streams of the demo fleet's callers and of its Envoy


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product whose demo fleet calls and whose history is not empty."""
    assert (ROOT / "static/dist/governor.js").exists(), "the dashboard is not built: run `npm run build`"
    with running(tmp_path_factory.mktemp("browser") / "data", "--demo") as product:
        api = GrpcWeb(product.url, product.token("admin"))
        for weight in (2, 3):
            eventually(partial(_switched, api, weight), what="the demo's services are there")
        yield product


def _switched(api: GrpcWeb, weight: int) -> bool:
    request = traffic_pb2.SwitchBalancingRequest(
        namespace="default",
        service="inventory",
        balancing=traffic_pb2.Balancing(policy="wrr", weights={"inventory-1": weight}),
        mutation=common_pb2.Mutation(reason="more to the first"),
    )
    try:
        return api.unary(TRAFFIC + "SwitchBalancing", request, common_pb2.Receipt).revision > 0
    except GrpcWebError:
        return False


@pytest.fixture(scope="session")
def api(product: Product) -> GrpcWeb:
    """The admin API, as a program that may do everything."""
    return GrpcWeb(product.url, product.token("admin"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's browser."""
    if not Path(CHROMIUM).exists():
        pytest.fail("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(product: Product, chromium: Browser) -> dict[str, object]:
    """The cookies of the signed-in administrator."""
    context = chromium.new_context()
    page = context.new_page()
    sign_in(page, product.url, ADMIN, PASSWORD)
    eventually(lambda: _fleet_is_seen(page.request.get(product.url).text()), what="the fleet's clients are connected")
    state = dict(context.storage_state())
    context.close()
    return state


def _fleet_is_seen(overview: str) -> bool:
    return f'<p class="figure">{FLEET}</p>' in overview


@pytest.fixture
def desk(product: Product, chromium: Browser, session: dict[str, object]) -> Iterator[Desk]:
    """Opens pages as the administrator; at its end no page may have complained."""
    desk = Desk(product.url, chromium, session)
    yield desk
    desk.close()
    assert desk.complaints == []

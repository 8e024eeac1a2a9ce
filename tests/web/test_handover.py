"""A shop's key handed over by its owner's consent: only who was asked, once, bounded, sealed, and told nowhere."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from ml_connector.cli.stories.pretend import vendors
from ml_connector.clock import Clock, HandClock
from ml_connector.connectors import SYSTEMS
from ml_connector.engine import connecting, handover, setup
from ml_connector.engine.handover import Wanted
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError, UsageError
from ml_connector.store import connection_rows
from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.web.app import build_app
from ml_connector.web.listening import listen, server_of
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.woocommerce import WooCommerce
from tests.databases import lay_tables
from tests.engine.runner import bare_works
from tests.engine.world import START

PUBLIC = "https://books.example.test"
SHOP = "https://shop.example"


@dataclass(slots=True)
class Install:
    """The application, its browser and its clock, and a pretend shop that is not connected yet."""

    works: Works
    browser: TestClient
    clock: HandClock
    woo: WooCommerce
    workspace: str

    def ask(self, **more: Any) -> str:
        public, root = more.pop("public_url", PUBLIC), more.pop("root", "")
        wanted = replace(Wanted("woocommerce", "wc", "Shop", SHOP), **more)
        return handover.begin(self.works, self.workspace, wanted, public_url=public, by="Ann", root=root)

    def agree(self, link: str, *, consent: str = "allow") -> str:
        """The owner clicks; where the browser is sent back to."""
        parts = urlsplit(link)
        asked = Request("GET", parts.path, f"{parts.query}&sandbox_consent={consent}", {}, b"", parts.netloc)
        answer = self.woo.answer(asked, self.clock.now())
        return dict(answer.headers)["Location"]

    def deliver(self) -> list[tuple[int, bytes]]:
        """The shop posts what is on its way: (our answer, what it posted)."""
        done = []
        for one in self.woo.deliveries(self.clock.now()):
            answer = self.browser.post(one.url.removeprefix(PUBLIC), content=one.body, headers=dict(one.headers))
            self.woo.delivered(one, answer.status_code, self.clock.now())
            done.append((answer.status_code, one.body))
        return done

    def post(self, body: bytes, connector: str = "woocommerce") -> int:
        return int(self.browser.post(f"/handover/{connector}", content=body).status_code)

    def connections(self) -> dict[str, str | None]:
        with self.works.database.reading() as c:
            return {one.code: one.base_url for one in connection_rows.every(c, self.workspace)}


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    with opened(f"sqlite:///{tmp_path / 'main.db'}") as found:
        yield found


@contextmanager
def opened(database_url: str, **changes: Any) -> Iterator[Install]:
    lay_tables(database_url)
    database = Database(database_url)
    migrate(database)
    clock = HandClock(START)
    works = replace(bare_works(database), **{"systems": SYSTEMS, "clock": clock, **changes})
    workspace = setup.init(works)
    woo = WooCommerce(seed=1)
    woo.control("seed_store", {"name": "Shop", "home": SHOP}, clock.now())
    app = build_app(works, InboxWriter(database), ring=lambda _ids: None, public_url=PUBLIC)
    with TestClient(app) as browser:
        yield Install(works, browser, clock, woo, workspace)
    works.lines.close()
    database.close()


def state_in(link: str) -> str:
    return parse_qs(urlsplit(link).query)["user_id"][0]


def given(state: str, **changes: Any) -> bytes:
    made = {
        "key_id": 17, "user_id": state, "consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40,
        "key_permissions": "read_write",
    }  # fmt: skip
    return json.dumps({**made, **changes}).encode()


def test_a_key_that_was_agreed_to_is_kept_sealed_and_told_nowhere(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    back = install.agree(install.ask(settings={"vat_number_keys": "_vat"}))
    ((status, body),) = install.deliver()
    assert status == 200
    assert install.connections() == {"wc": SHOP}
    page = install.browser.get(back.removeprefix(PUBLIC))
    assert page.status_code == 200
    assert "Agreed" in page.text
    posted = json.loads(body)
    said = capsys.readouterr()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    for secret in (posted["consumer_key"], posted["consumer_secret"], posted["user_id"]):
        assert secret.encode() not in kept
        assert secret not in said.out + said.err + caplog.text + page.text
    with install.works.database.reading() as c:
        (row,) = connection_rows.every(c, install.workspace)
    assert row.settings == {"vat_number_keys": "_vat"}
    assert "consumer" not in back  # the browser never carries a key


def test_a_state_works_once(install: Install) -> None:
    link = install.ask()
    assert install.post(given(state_in(link))) == 200
    assert install.post(given(state_in(link), consumer_key="ck_" + "c" * 40)) == 403


def test_a_state_is_over_after_half_an_hour(install: Install) -> None:
    link = install.ask()
    install.clock.advance(timedelta(minutes=31).total_seconds())
    install.agree(link)
    assert [status for status, _ in install.deliver()] == [403]
    assert install.connections() == {}


def test_a_key_that_nobody_asked_for_is_refused_and_the_shop_takes_it_back(install: Install) -> None:
    link = install.ask()
    install.agree(link.replace(state_in(link), "x" * 43))
    assert [status for status, _ in install.deliver()] == [403]
    assert install.connections() == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[1]", 400),
        (b"[" * 4_000, 400),
        (b'{"user_id": 5}', 400),
        (b" " * 5_000, 413),
    ],
    ids=["empty", "no utf-8", "no object", "deep", "odd state", "too large"],
)
def test_what_is_no_hand_over_is_refused_and_uses_no_state_up(install: Install, body: bytes, status: int) -> None:
    link = install.ask()
    assert install.post(body) == status
    assert install.post(given(state_in(link), consumer_key="<script>")) == 400
    assert install.post(given(state_in(link), key_permissions="read")) == 403
    assert install.post(given(state_in(link))) == 200


def test_a_system_that_hands_nothing_over_has_no_door(install: Install) -> None:
    assert install.post(given("x" * 43), connector="square") == 404
    assert install.post(given("x" * 43), connector="nobody") == 404
    assert install.browser.get("/handover/square/done?success=1").status_code == 404
    assert install.browser.get("/handover/woocommerce").status_code == 405


def test_a_merchant_who_says_no_ends_the_link(install: Install) -> None:
    link = install.ask()
    back = install.agree(link, consent="deny")
    page = install.browser.get(back.removeprefix(PUBLIC))
    assert page.status_code == 400
    assert "did not agree" in page.text
    assert install.post(given(state_in(link))) == 403


def test_a_second_hand_over_gives_the_same_connection_a_new_key(install: Install) -> None:
    install.agree(install.ask())
    install.deliver()
    install.agree(install.ask())
    assert [status for status, _ in install.deliver()] == [200]
    assert install.connections() == {"wc": SHOP}


def test_a_code_of_another_address_is_not_handed_a_key(install: Install) -> None:
    install.agree(install.ask())
    install.deliver()
    with pytest.raises(UsageError, match=r"one to https://shop\.example"):
        install.ask(base_url="https://other.example")


@pytest.mark.parametrize(
    ("public", "fault"), [(None, UsageError), ("http://books.example.test", ConfigurationError)], ids=["none", "plain"]
)
def test_a_key_is_asked_for_only_where_it_can_come_by_https(install: Install, public: str | None, fault: Any) -> None:
    with pytest.raises(fault):
        install.ask(public_url=public)


def test_permalinks_with_index_php_are_kept(install: Install) -> None:
    assert install.ask(root="/index.php").startswith(f"{SHOP}/index.php/wc-auth/v1/authorize?")


# ------------------------------------------------------------------------------------------- over real sockets


class Stay(urllib.request.HTTPRedirectHandler):
    """A browser that does not follow: where it was sent is what counts."""

    def redirect_request(self, *_: Any) -> None:
        return None


def click(link: str) -> str:
    """The owner agrees; where the browser is sent."""
    try:
        urllib.request.build_opener(Stay).open(f"{link}&sandbox_consent=allow", timeout=10)
    except urllib.error.HTTPError as redirect:
        with redirect:
            return str(redirect.headers["location"])
    raise AssertionError("the shop sent the browser nowhere")


@pytest.mark.slow
def test_a_pretend_shop_hands_its_key_over_by_http_and_a_ping_proves_it(tmp_path: Path) -> None:
    with vendors(tmp_path, names=("woocommerce",)) as running:
        shop = running["woocommerce"]
        shop.do("seed_store", name="Shop")
        real: dict[str, Any] = {"allowed_hosts": frozenset({shop.url}), "clock": Clock()}
        with opened(f"sqlite:///{tmp_path / 'main.db'}", **real) as install:
            sock = listen("127.0.0.1", 0)
            public = f"http://127.0.0.1:{sock.getsockname()[1]}"
            app = build_app(install.works, InboxWriter(install.works.database), ring=lambda _ids: None)
            server = server_of(app)
            serving = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
            serving.start()
            try:
                back = click(install.ask(base_url=shop.url, public_url=public))
                until = time.monotonic() + 15
                while not install.connections() and time.monotonic() < until:
                    time.sleep(0.05)
                with urllib.request.urlopen(back, timeout=10) as page:
                    assert "Agreed" in page.read().decode()
                connection = connecting.find_connection(install.works, install.workspace, "wc")
                assert connecting.ping(install.works, connection.id).ok
                forged = urllib.request.Request(f"{public}/handover/woocommerce", data=given("y" * 43), method="POST")
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(forged, timeout=10)
                assert refused.value.code == 403
                refused.value.close()
            finally:
                server.should_exit = True
                serving.join()
                sock.close()


def test_the_link_says_what_is_asked(install: Install) -> None:
    asked = parse_qs(urlsplit(install.ask()).query)
    assert asked["scope"] == ["read_write"]
    assert asked["callback_url"] == [f"{PUBLIC}/handover/woocommerce"]
    assert asked["return_url"] == [f"{PUBLIC}/handover/woocommerce/done"]
    assert asked["app_name"] == ["ml-connector"]
    assert urlencode({"user_id": asked["user_id"][0]}) == f"user_id={asked['user_id'][0]}"

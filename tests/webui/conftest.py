"""A small clip, the page served once, and a browser to look at it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlparse

import numpy as np
import pytest

from refervid.core.types import Hook
from refervid.pipelines.first_look import LEAST_FRAMES
from refervid.pipelines.presets import load
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.limits import Limits
from tests.clips import disc_and_square, tone, write_video, write_wav
from tests.engines.sound import noise

HEIGHT, WIDTH, FRAMES = 96, 144, 8
LIMITS = Limits(upload_mb=0.5, seconds=3, sentences=3, letters=80)
ARTEFACTS = Path(__file__).parents[2] / "out" / "webui"
"""Screenshots of the browser tests, to be looked at."""

PATIENCE_S = 60
"""How long a test waits for what does come, on however busy a machine."""


def pictures() -> np.ndarray:
    """A red disc that moves to the right over a textured ground, and a blue square that stands still."""
    return disc_and_square(FRAMES)


def disc_centre(index: int) -> tuple[float, float]:
    return 28 + 3 * index, 68


SQUARE_CENTRE = (114, 28)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Quick ones, which need no browser, come last: no process is alone with a long one at the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent == here and "chromium" not in item.fixturenames)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "my clip.mp4", pictures(), sound=tone(FRAMES / 25))


@pytest.fixture(scope="session")
def silent_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "silent.mp4", pictures())


def there_and_back() -> list[int]:
    """As many frames, to and fro, as a first look needs."""
    return (LEAST_FRAMES * [*range(FRAMES), *range(FRAMES - 2, 0, -1)])[:LEAST_FRAMES]


@pytest.fixture(scope="session")
def longer_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "longer.mp4", disc_and_square(13))


@pytest.fixture
def desk(tmp_path: Path, video: Path) -> Iterator[Desk]:
    """Of a visitor who has chosen the clip."""
    one = Desk(tmp_path / "desk", LIMITS, lambda preset: load(preset, device="cpu"))
    one.open(Path(shutil.copy(video, tmp_path / "upload")), video.name)
    yield one
    one.close()


@pytest.fixture
def work(desk: Desk) -> ClipWork:
    return desk.present_work()


@pytest.fixture(scope="session")
def site() -> Iterator[Any]:
    pytest.importorskip("gradio", reason="the page needs the extra `ui`")
    from tests.webui.serving import served

    with served(LIMITS) as one:
        yield one


@contextmanager
def others_job(site: Any) -> Iterator[Event]:
    """A job of somebody else, which is under way until the event is set or the block ends."""
    over = Event()

    def work(hook: Hook) -> None:
        while not over.wait(0.01):
            hook("work", None, 0, 1)

    site.visitors.jobs.submit(work)
    try:
        yield over
    finally:
        over.set()


def until(true: Callable[[], Any], pause: Callable[[float], object] = time.sleep) -> None:
    """Wait for something that nothing reports; `pause` lets seconds pass."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came to pass"
        pause(0.05)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Its microphone plays noise."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("browser tests need Chromium: apt install chromium")
    sync_api.expect.set_options(timeout=1000 * PATIENCE_S)
    with sync_api.sync_playwright() as play:
        sound = np.round(20_000 * np.array(noise(1.0).samples)).astype(np.int16)
        heard = write_wav(tmp_path_factory.mktemp("microphone") / "noise.wav", sound)
        devices = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={heard}"]
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", *devices])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(chromium: Any) -> Iterator[Any]:
    """Of all tests: the page's scripts are fetched and compiled once."""
    with chromium.new_context() as one:
        yield one


class Browsing:
    """Tabs of one test, each a visitor of its own; none may ask another host or break a script."""

    def __init__(self, context: Any, address: str) -> None:
        self._context, self._address = context, address
        self._pages: list[Any] = []
        self.foreign: list[str] = []
        self.broken: list[str] = []

    def open(self, width: int = 1280, height: int = 900) -> Any:
        page = self._context.new_page()
        self._pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(1000 * PATIENCE_S)
        own = urlparse(self._address).netloc
        page.on(
            "request",
            lambda request: (
                self.foreign.append(request.url) if urlparse(request.url).netloc not in (own, "") else None
            ),
        )
        page.on("pageerror", lambda error: self.broken.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.broken.append(message.text)
                if re.search("Content Security Policy|js_on_load|watch callback", message.text)
                else None
            ),
        )
        page.goto(self._address)
        page.wait_for_function("document.querySelector('.drop')?.checkVisibility()")
        return page

    def close(self) -> None:
        for page in self._pages:
            page.close()
        assert self.foreign == []
        assert self.broken == []


@pytest.fixture
def browsing(context: Any, site: Any) -> Iterator[Browsing]:
    one = Browsing(context, site.address)
    yield one
    one.close()


def shoot(page: Any, name: str) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

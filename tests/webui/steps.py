"""What a person does on the page, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.files import slug
from tests.webui.conftest import HEIGHT, WIDTH, until

expect = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright").expect

RED, BLUE = "the red thing", "the blue thing"


def once(page: Any, true: str, argument: object = None) -> None:
    """Go on at once: a locator's own waiting looks only twice a second after a while. To look at every frame,
    as is usual here, keeps the browser busy."""
    page.wait_for_function(true, arg=argument, polling=100)


def upload(page: Any, clip: Path) -> None:
    page.locator("input[type=file]").set_input_files(clip)


def opened(page: Any, clip: Path) -> None:
    """The clip, which was not there before, is on the page, and can be asked about."""
    once(page, "name => document.querySelector('.clips .chosen')?.innerText.includes(name)", slug(clip.stem))
    expect(go(page)).to_be_enabled()


def bring(page: Any, clip: Path) -> None:
    upload(page, clip)
    opened(page, clip)


def go(page: Any) -> Any:
    return page.get_by_role("button", name="Find it")


def ask(page: Any, text: str) -> None:
    page.get_by_label("What to find").fill(text)
    with ending(page):
        go(page).click()


@contextmanager
def ending(page: Any, words: str = "Done in") -> Iterator[None]:
    """What happens within starts a job; then its end is on the page, and not that of a job before."""
    # An update of the card takes away what does not belong to it.
    page.evaluate("for (const card of document.querySelectorAll('.card[role]')) card.dataset.before = ''")
    yield
    fresh = "document.querySelectorAll('.card[role]:not([data-before])')"
    once(page, f"words => [...{fresh}].some(card => card.innerText.includes(words))", words)
    expect(go(page)).to_be_enabled()


@contextmanager
def held_upload(page: Any, clip: Path) -> Iterator[None]:
    """The file is on its way as long as the block lasts."""
    held: list[Any] = []
    page.route("**/upload*", lambda route: held.append(route))
    upload(page, clip)
    until(lambda: held, lambda seconds: page.wait_for_timeout(1000 * seconds))
    yield
    for route in held:
        route.continue_()
    page.unroute("**/upload*")


def cancel(page: Any) -> None:
    page.get_by_role("button", name="Cancel").click()


def drawn(page: Any) -> str:
    """The address of the film of the answers."""
    page.locator("video.film[src*=overlay]").wait_for(state="attached")
    return str(page.locator("video.film").get_attribute("src"))


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def box_middle(page: Any, number: int = 0) -> tuple[float, float]:
    """Middle of the shown box of an answer, in pixels of the clip."""
    box = page.locator(".marks rect").nth(number)
    x, y, width, height = (float(box.get_attribute(name)) for name in ("x", "y", "width", "height"))
    return x + width / 2, y + height / 2


def tool(page: Any, name: str) -> None:
    page.locator(".modes").get_by_label(name, exact=True).check()


def row(page: Any, number: int) -> Any:
    """The choice of what marks are for: an answer from 0, or -1 for something new."""
    return page.locator(".timeline input").nth(number)


def eye(page: Any, number: int) -> Any:
    return page.locator(".timeline .eye").nth(number)


def named(page: Any) -> Any:
    return page.locator(".timeline bdi")


NEW = "Something new"


def shown_frame(page: Any) -> int:
    return int(page.locator(".slider").input_value())


def click_at(page: Any, point: tuple[float, float]) -> None:
    area = page.locator(".stage").bounding_box()
    page.locator(".stage").click(
        position={"x": point[0] / WIDTH * area["width"], "y": point[1] / HEIGHT * area["height"]}
    )


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    area = page.locator(".stage").bounding_box()
    places = [
        (area["x"] + x / WIDTH * area["width"], area["y"] + y / HEIGHT * area["height"])
        for x, y in (start, end)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1])
    page.mouse.up()


def visitor_of(site: Any, page: Any) -> Any:
    token = page.evaluate("sessionStorage.getItem('refervid')")
    return next(one for one in site.visitors.all if one.desk.token == token)


def near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return float(np.hypot(one[0] - other[0], one[1] - other[1])) < 12

"""How the page looks in a real browser. Pictures of it are left in `out/webui`, to be looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.webui.conftest import Browsing, others_job, shoot
from tests.webui.steps import RED, ask, bring, expect, go, opened, tab


def test_everything_is_in_sight_on_a_small_screen(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open(1366, 768)
    bring(page, video)
    page.get_by_label("What to find").fill(RED)

    def is_in_sight(what: Any) -> bool:
        area = what.bounding_box()
        return bool(area["y"] >= 0 and area["y"] + area["height"] <= 768)

    assert is_in_sight(go(page))
    with others_job(site):
        go(page).click()
        waiting = page.get_by_text("Waiting: 1 job is before yours.")
        waiting.wait_for()
        assert is_in_sight(waiting)
        assert is_in_sight(page.get_by_role("button", name="Cancel"))
        assert page.evaluate("window.scrollY") == 0
        shoot(page, "small-screen")
    page.get_by_text("Done in").wait_for()
    assert is_in_sight(page.get_by_text("Done in"))
    assert is_in_sight(page.locator(".answer .status").first)


def test_narrow_and_dark(browsing: Browsing, video: Path) -> None:
    page = browsing.open(390, 800)
    shoot(page, "narrow-1-empty")
    bring(page, video)
    ask(page, f"{RED}\nthe thing that has a very long sentence behind it, with many words, until")
    look_at_all_tabs(page, "narrow")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="dark")
    page.reload()
    opened(page, video)
    expect(page.locator("body.dark")).to_have_count(1)
    look_at_all_tabs(page, "dark")


CONTRAST = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => {
        const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = colour.map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const [r, g, b, opacity = 1] = numbers(getComputedStyle(element).backgroundColor);
            if (opacity === 1) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const says = element => [...element.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
    const shown = [...document.body.querySelectorAll("*")].filter(one => says(one) && one.checkVisibility());
    return shown.map(one => {
        const ink = light(numbers(getComputedStyle(one).color).slice(0, 3)), paper = light(ground(one));
        return [(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), one.textContent];
    });
}"""
"""Of every piece of text that is shown its contrast with what is behind it, as WCAG 2 defines it."""


def test_every_text_can_be_read(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    tab(page, "Frames")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.reload()
        opened(page, video)
        expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
        seen = page.evaluate(CONTRAST)
        assert len(seen) > 20
        assert [text for contrast, text in seen if contrast < 4.5] == [], scheme  # level AA


def look_at_all_tabs(page: Any, look: str) -> None:
    for number, name in enumerate(("Watch", "Frames", "Why", "Take away"), 2):
        tab(page, name)
        page.wait_for_timeout(150)
        shoot(page, f"{look}-{number}")
        widest = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        assert widest <= 0, name


def test_the_list_of_presets_closes_when_it_is_left(browsing: Browsing) -> None:
    page = browsing.open()
    presets, options = page.get_by_label("How it is found"), page.get_by_role("listbox")
    for leave in (lambda: page.keyboard.press("Tab"), lambda: page.get_by_label("What to find").click()):
        presets.click()
        expect(options).to_be_visible()
        leave()
        expect(options).to_be_hidden()
    presets.click()
    page.get_by_role("option", name="soc").click()
    expect(presets).to_have_value(re.compile("^soc"))

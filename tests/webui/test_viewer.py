"""Frames, masks and marks in a real browser. Pictures are left in `out/webui`, to be looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.webui.conftest import (
    FRAMES,
    HEIGHT,
    SQUARE_CENTRE,
    WIDTH,
    Browsing,
    disc_centre,
    others_job,
    shoot,
)
from tests.webui.steps import (
    BLUE,
    NEW,
    RED,
    ask,
    box_middle,
    bring,
    cancel,
    click_at,
    drag,
    ending,
    expect,
    eye,
    go,
    named,
    near,
    row,
    shown_frame,
    tab,
    tool,
    visitor_of,
)


def marked(browsing: Browsing, video: Path) -> Any:
    """A page with a mark on the fourth frame of a clip."""
    page = browsing.open()
    bring(page, video)
    tab(page, "Frames")
    page.locator(".slider").fill("3")
    click_at(page, SQUARE_CENTRE)
    return page


def test_another_candidate_by_a_click(browsing: Browsing, site: Any, longer_video: Path) -> None:
    page = browsing.open()
    bring(page, longer_video)
    ask(page, "the green thing")
    page.locator(".status.not_found").wait_for()
    on_its_button = page.get_by_role("button", name=re.compile("Take candidate 2 for")).first
    on_the_picture = page.get_by_title("Take candidate 2").first
    for take in (on_its_button, on_the_picture):
        tab(page, "Why")
        take.hover()
        shoot(page, "candidate")
        # What was cancelled can be taken after all.
        with others_job(site), ending(page, "Cancelled."):
            take.click()
            cancel(page)
        with ending(page):
            take.click()
        tab(page, "Frames")
        expect(page.locator(".undo")).to_be_enabled()
        places = (SQUARE_CENTRE, disc_centre(shown_frame(page)))
        assert any(near(box_middle(page), known) for known in places)
        with ending(page):
            page.get_by_role("button", name="Undo", exact=True).click()
        page.locator(".status.not_found").wait_for()


def test_which_answer_is_corrected_and_which_are_hidden(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, f"{RED}\n{BLUE}")
    tab(page, "Frames")
    row(page, 1).check()
    eye(page, 1).click()
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator(".undo")).to_be_enabled()
    expect(row(page, 1)).to_be_checked()
    expect(eye(page, 1)).to_have_attribute("aria-pressed", "false")
    ask(page, f"{RED}\n{BLUE} here")
    expect(named(page)).to_contain_text([RED, BLUE, f"{BLUE} here", NEW])
    expect(eye(page, 1)).to_have_attribute("aria-pressed", "false")
    expect(row(page, 2)).to_be_checked()
    page.keyboard.press("Delete")
    expect(named(page)).to_contain_text([RED, BLUE, NEW])


def test_the_clip_is_shown_at_once_and_a_click_is_enough(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    assert "/1/clip" in page.locator("video.film").get_attribute("src")
    tab(page, "Frames")
    assert f"frame 1 of {FRAMES} · 0.00 s" in page.locator(".place").inner_text()
    expect(page.locator(".afresh")).to_be_hidden()

    # A mask is shown before anything is tracked.
    expect(page.locator(".preview")).to_be_hidden()
    area = page.locator(".stage").bounding_box()
    x, y = (area["width"] / WIDTH * SQUARE_CENTRE[0], area["height"] / HEIGHT * SQUARE_CENTRE[1])
    page.mouse.move(area["x"] + x, area["y"] + y)
    page.locator(".preview:visible").wait_for()
    page.mouse.move(area["x"] + x, area["y"] - 40)
    expect(page.locator(".preview")).to_be_hidden()
    click_at(page, SQUARE_CENTRE)
    page.locator(".preview:visible").wait_for()
    shoot(page, "preview")
    page.keyboard.press("Escape")
    expect(page.locator(".preview")).to_be_hidden()
    assert visitor_of(site, page).desk.present_work().answers is None

    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Track this", exact=True).click()
    expect(named(page)).to_have_text(["object 1", NEW])
    assert near(box_middle(page), SQUARE_CENTRE)
    page.locator(".slider").fill("0")
    row(page, -1).check()
    click_at(page, disc_centre(0))
    with ending(page):
        page.get_by_role("button", name="Track this as well").click()
    expect(named(page)).to_have_text(["object 1", "object 2", NEW])
    expect(row(page, 1)).to_be_checked()
    page.locator(".slider").fill("0")
    assert near(box_middle(page, 1), disc_centre(0))
    shoot(page, "pointed-at")
    tab(page, "Take away")
    assert "refervid track" in page.locator(".recipe textarea").first.input_value()


def test_a_question_that_is_refused_leaves_the_marks(browsing: Browsing, video: Path) -> None:
    page = marked(browsing, video)
    page.get_by_label("What to find").fill("it " * 200)
    with ending(page, "at most 80 are read"):
        go(page).click()
    expect(page.locator(".hint")).to_have_text("1 marked as it, 0 as not it.")
    expect(page.locator(".place")).to_contain_text("frame 4")
    with ending(page):
        page.locator(".apply").click()
    assert near(box_middle(page), SQUARE_CENTRE)
    expect(page.locator(".hint")).to_contain_text("Not right?")


def test_a_brush_paints_a_thing_and_an_eraser_takes_of_it(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    tab(page, "Frames")
    tool(page, "Brush")
    page.get_by_label("Width of the brush").fill("40")
    drag(page, (104, 28), (124, 28))
    page.get_by_text("A mask is painted.").wait_for()
    with ending(page):
        page.keyboard.press("Enter")
    [result] = visitor_of(site, page).desk.present_work().present_answers().results
    painted = result.track[0]
    assert painted[28, 104:125].all()
    assert not painted[60:].any()

    tool(page, "Eraser")
    page.wait_for_function("document.querySelector('.paint').width === 144")
    drag(page, (104, 28), (104, 28))
    page.keyboard.press("Control+z")
    expect(page.locator(".apply")).to_be_disabled()
    drag(page, (104, 28), (104, 28))
    shoot(page, "eraser")
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    [result] = visitor_of(site, page).desk.present_work().present_answers().results
    erased = result.track[0]
    assert not erased[28, 100:108].any()
    assert erased[28, 124]
    assert not (erased & ~painted).any()
    expect(page.locator(".timeline .by-hand")).to_have_count(1)  # both on one frame


def test_keys_of_labelling_tools(browsing: Browsing, longer_video: Path) -> None:
    page = browsing.open()
    bring(page, longer_video)
    ask(page, f"{RED}\n{BLUE}")
    page.get_by_label("What to find").press("Home")
    page.keyboard.type("n ")  # what is typed stays text
    tab(page, "Frames")
    place = page.locator(".place")
    for key, frame in (
        ("Home", 1),
        ("ArrowRight", 2),
        ("Shift+ArrowRight", 12),
        ("ArrowLeft", 11),
        ("End", 13),
    ):
        page.keyboard.press(key)
        expect(place).to_contain_text(f"frame {frame} of 13")
    page.keyboard.press(" ")  # plays from the start, and stops at the end
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(place).to_contain_text("frame 13 of 13")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator(".timeline input").nth(1)).to_be_checked()
    page.keyboard.press("h")
    expect(eye(page, 1)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("n")
    expect(row(page, -1)).to_be_checked()
    page.keyboard.press("e")
    expect(page.locator(".modes").get_by_label("Eraser")).to_be_checked()
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("brush, eraser").wait_for()
    shoot(page, "keys")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_timeline_leads_to_its_frames(browsing: Browsing, video: Path) -> None:
    page = marked(browsing, video)
    with ending(page):
        page.keyboard.press("Enter")
    expect(page.locator(".timeline .by-hand")).to_have_attribute("title", "Marked by you on frame 4")
    seen = page.locator(".timeline .seen").first.bounding_box()
    strip = page.locator(".timeline .strip").bounding_box()
    assert seen["width"] > 0.9 * strip["width"]
    page.locator(".timeline .strip").click(position={"x": strip["width"] * 0.8, "y": 5})
    expect(page.locator(".place")).to_contain_text(f"frame 7 of {FRAMES}")
    page.keyboard.press(",")
    expect(page.locator(".place")).to_contain_text(f"frame 4 of {FRAMES}")


def test_a_guess_looks_like_one(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)  # what it is was not said
    expect(page.locator(".answer .status.guess")).to_have_count(1)
    tab(page, "Frames")
    row(page, -1).check()
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Track this as well").click()
    expect(named(page)).to_have_text([f"{RED} ?", "object 2", NEW])
    expect(page.locator(".timeline .guess .seen").first).to_be_visible()
    dashes = [box.get_attribute("stroke-dasharray") for box in page.locator(".marks rect").all()]
    assert dashes == ["7 5", None]
    shoot(page, "guess")


def test_keyboard_alone(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)

    def go_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no way to {selector}")

    go_to("textarea")
    page.keyboard.type(RED)
    with ending(page):
        page.keyboard.press("Shift+Enter")
    go_to("[role=tab]")
    page.keyboard.press("ArrowRight")
    go_to(".stage")
    frame = page.locator(".place").inner_text()
    page.keyboard.press("PageDown" if f"frame {FRAMES}" not in frame else "PageUp")
    assert page.locator(".place").inner_text() != frame
    page.keyboard.press("x")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_text("1 marked as it, 0 as not it.").wait_for()
    shoot(page, "keyboard")
    page.keyboard.press("x")  # puts the cross away; the arrows turn frames again
    marked = page.locator(".marks circle")
    expect(marked).to_have_count(1)
    page.keyboard.press("x")
    for key in ("ArrowLeft", "o", "Enter", "p", "Enter"):  # on the same spot, with another meaning
        page.keyboard.press(key)
    expect(page.locator(".hint")).to_have_text("1 marked as it, 0 as not it.")
    with ending(page):
        page.keyboard.press("Enter")
    expect(page.locator(".undo")).to_be_enabled()
    go_to(".undo")

"""The page in a real browser. Pictures of it are left in `out/webui`, to be looked at."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from refervid.core.files import slug
from refervid.core.types import Hook
from tests.clips import tone, write_video, write_wav
from tests.webui.conftest import (
    HEIGHT,
    SQUARE_CENTRE,
    WIDTH,
    Browsing,
    disc_centre,
    others_job,
    pictures,
    shoot,
    until,
)

expect = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright").expect

RED, BLUE = "the red thing", "the blue thing"


def upload(page: Any, clip: Path) -> None:
    page.locator("input[type=file]").set_input_files(clip)


def opened(page: Any, clip: Path) -> None:
    """The clip, which was not there before, is on the page, and can be asked about."""
    page.locator(".clip-card").get_by_text(slug(clip.stem), exact=True).wait_for()
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
    page.locator(".card[role]:not([data-before])").get_by_text(words).wait_for()
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


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def box_middle(page: Any, number: int = 0) -> tuple[float, float]:
    """Middle of the shown box of an answer, in pixels of the clip."""
    box = page.locator(".marks rect").nth(number)
    x, y, width, height = (float(box.get_attribute(name)) for name in ("x", "y", "width", "height"))
    return x + width / 2, y + height / 2


def shown_frame(page: Any) -> int:
    return int(page.locator(".slider").input_value())


def click_at(page: Any, point: tuple[float, float]) -> None:
    area = page.locator(".stage").bounding_box()
    page.locator(".stage").click(
        position={"x": point[0] / WIDTH * area["width"], "y": point[1] / HEIGHT * area["height"]}
    )


def near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return float(np.hypot(one[0] - other[0], one[1] - other[1])) < 12


def test_upload_ask_watch_correct_export(browsing: Browsing, video: Path, tmp_path: Path) -> None:
    page = browsing.open()
    shoot(page, "1-empty")
    bring(page, video)
    ask(page, f"{RED}\n{BLUE}")
    page.locator("video.film").wait_for()
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    facts = page.evaluate(
        "(() => { const v = document.querySelector('video.film');"
        " return [v.videoWidth, v.videoHeight, v.error === null]; })()"
    )
    assert facts == [WIDTH, HEIGHT, True]
    expect(page.locator(".answer .status.not_found")).to_have_count(0)
    expect(page.locator(".answer")).to_have_count(4)  # what was found, and why
    shoot(page, "2-watch")

    tab(page, "Frames")
    expect(page.locator(".layers img:visible")).to_have_count(2)
    page.locator(".slider").fill("10")
    assert "frame 11 of 20 · 0.40 s" in page.locator(".place").inner_text()
    page.locator(".chips button").nth(1).click()
    assert page.locator(".layers img:visible").count() == 1
    page.locator(".chips button").nth(1).click()
    shoot(page, "3-frames")

    red = box_middle(page)
    page.get_by_label("Draw a box").check()
    area = page.locator(".stage").bounding_box()
    scale = area["width"] / WIDTH
    page.mouse.move(area["x"] + 98 * scale, area["y"] + 12 * scale)
    page.mouse.down()
    page.mouse.move(area["x"] + 120 * scale, area["y"] + 30 * scale)
    page.mouse.move(area["x"] + 131 * scale, area["y"] + 45 * scale)
    page.mouse.up()
    page.get_by_text("A box is marked.").wait_for()
    shoot(page, "4-box")
    with ending(page):
        page.get_by_role("button", name="Start over from these marks").click()
    expect(page.locator(".undo")).to_be_enabled()
    assert near(box_middle(page), SQUARE_CENTRE)

    with ending(page):
        page.get_by_role("button", name="Undo last correction").click()
    page.get_by_text("Not right?").wait_for()
    expect(page.locator(".undo")).to_be_disabled()
    assert near(box_middle(page), red)

    page.get_by_label("It is here").check()
    click_at(page, SQUARE_CENTRE)
    page.get_by_label("Not this").check()
    click_at(page, red)
    page.get_by_text("1 marked as it, 1 as not it.").wait_for()
    shoot(page, "5-points")
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator(".undo")).to_be_enabled()

    tab(page, "Why")
    page.locator(".pivots img").nth(1).wait_for()
    shoot(page, "6-why")
    tab(page, "Take away")
    assert "--text" in page.locator(".recipe textarea").first.input_value()
    page.get_by_label("COCO run lengths (JSON)").check()
    page.get_by_role("button", name="Make a zip").click()
    page.locator("a.download").wait_for()
    shoot(page, "7-take-away")
    expect(page.locator(".recipe textarea").last).to_have_value(re.compile("coco-rle"))
    with page.expect_download() as coming:
        page.locator("a.download").click()
    coming.value.save_as(tmp_path / "answer.zip")
    with zipfile.ZipFile(tmp_path / "answer.zip") as archive:
        assert {"overlay.mp4", "report.html", "coco_rle.json"} <= set(archive.namelist())


@pytest.mark.parametrize("where", ["button", "picture"])
def test_another_candidate_by_a_click(browsing: Browsing, site: Any, video: Path, where: str) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, "the green thing")
    page.locator(".status.not_found").wait_for()
    tab(page, "Why")
    if where == "button":
        take = page.get_by_role("button", name=re.compile("Take candidate 2 for")).first
    else:
        take = page.get_by_title("Take candidate 2").first
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
    assert any(near(box_middle(page), known) for known in (SQUARE_CENTRE, disc_centre(shown_frame(page))))


@pytest.mark.parametrize("kind", ["sound", "text", "damaged", "large", "long"])
def test_files_that_do_not_do(browsing: Browsing, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.mp4"
    if kind == "sound":
        path = write_wav(tmp_path / "sound.wav", tone(0.5))
    elif kind == "text":
        path.write_text("this is no video")
    elif kind == "damaged":
        path.write_bytes(write_video(path, pictures()).read_bytes()[:600])
    elif kind == "large":
        path.write_bytes(bytes(700_000))
    else:
        write_video(path, pictures(), fps=5)
    page = browsing.open()
    upload(page, path)
    words = page.locator(".card.error").inner_text()
    hints = {"sound": "no moving pictures", "large": "MB are allowed", "long": "3 s are allowed"}
    assert hints.get(kind, "cannot be read as a video") in words
    assert "/" not in words
    assert page.locator(".clip-card").count() == 0
    shoot(page, f"error-{kind}")


def test_no_question_goes_to_the_clip_before_while_an_upload_is_under_way(
    browsing: Browsing, video: Path, silent_video: Path
) -> None:
    page = browsing.open()
    bring(page, video)
    page.get_by_label("What to find").fill(RED)
    with held_upload(page, silent_video):
        go(page).click(force=True)
        page.evaluate("document.getElementById('go').focus()")
        page.keyboard.press("Enter")
    opened(page, silent_video)
    assert page.locator(".answer").count() == 0
    ask(page, RED)


def test_no_question_is_taken_while_an_upload_is_opened(
    browsing: Browsing, site: Any, video: Path, silent_video: Path
) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    before = str(page.locator("video.film").get_attribute("src"))
    with others_job(site):
        upload(page, silent_video)
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        expect(go(page)).to_be_disabled()
        page.get_by_label("What to find").press("Shift+Enter")
        page.get_by_text("The last request is still being worked on").wait_for()
    opened(page, silent_video)
    expect(page.locator("video.film")).not_to_have_attribute("src", before)  # the new clip, as it is
    for gone in (".answer", ".chips button"):
        expect(page.locator(gone)).to_have_count(0)


def test_an_upload_that_outlives_a_job(
    browsing: Browsing, site: Any, video: Path, silent_video: Path
) -> None:
    page = browsing.open()
    bring(page, video)
    page.get_by_label("What to find").fill(RED)
    with others_job(site) as over:
        go(page).click()
        expect(go(page)).to_be_disabled()
        with held_upload(page, silent_video):
            over.set()
            page.get_by_text("Done in").wait_for()
        opened(page, silent_video)
    ask(page, BLUE)


def test_questions_without_an_answer(browsing: Browsing, silent_video: Path) -> None:
    page = browsing.open()
    go(page).click()
    page.get_by_text("Choose a clip first").or_(page.get_by_text("Say what to look for")).wait_for()
    bring(page, silent_video)
    page.get_by_label("What makes the sound").check()
    with ending(page, "This clip has no sound"):
        go(page).click()
    page.get_by_label("What makes the sound").uncheck()
    ask(page, "the green triangle")
    page.locator(".status.not_found").wait_for()
    page.locator(".notes li").first.wait_for()
    shoot(page, "nothing-found")
    tab(page, "Frames")
    # What was missed can be pointed out.
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator(".undo")).to_be_enabled()
    assert near(box_middle(page), SQUARE_CENTRE)


def test_two_visitors_at_once(browsing: Browsing, site: Any, video: Path, silent_video: Path) -> None:
    one, other = browsing.open(), browsing.open()
    bring(one, video)
    bring(other, silent_video)
    one.get_by_label("What to find").fill(RED)
    other.get_by_label("What to find").fill(BLUE)
    with ending(one), ending(other):
        go(one).click()
        go(other).click()
    for page, text in ((one, RED), (other, BLUE)):
        expect(page.locator(".answer h3").first).to_have_text(text)
    assert "with sound" in one.locator(".clip-card").inner_text()
    assert "no sound" in other.locator(".clip-card").inner_text()
    films = {page.locator("video.film").get_attribute("src") for page in (one, other)}
    assert len({film.split("/")[2] for film in films}) == 2


def test_whoever_closes_the_page_leaves_no_file(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    token = page.locator("video.film").get_attribute("src").split("/")[2]
    folder = site.sessions.with_token(token).folder
    assert folder.is_dir()
    visitor = next(one for one in site.sessions.visitors if one.session.token == token)
    page.close()
    other = browsing.open()
    until(lambda: not visitor.pages, lambda seconds: other.wait_for_timeout(1000 * seconds))
    site.sessions.sweep(time.monotonic() + site.sessions.limits.return_s)
    assert not folder.exists()
    assert site.sessions.with_token(token) is None


def test_a_page_that_is_loaded_anew_shows_all_again(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    page.reload()
    opened(page, video)
    ask(page, f"{RED}\n{BLUE}")
    tab(page, "Frames")
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    film = page.locator("video.film").get_attribute("src")
    page.reload()
    opened(page, video)
    expect(page.locator("video.film")).to_have_attribute("src", film)
    expect(page.locator(".answer .status.not_found")).to_have_count(0)
    expect(page.locator(".answer")).to_have_count(4)  # what was found, and why
    expect(page.get_by_label("What to find")).to_have_value(f"{RED}\n{BLUE}")
    tab(page, "Frames")
    with ending(page):
        page.get_by_role("button", name="Undo last correction").click()
    other = browsing.open()
    expect(other.locator(".clip-card")).to_have_count(0)


def test_a_page_that_is_loaded_anew_during_a_job_goes_on_with_it(
    browsing: Browsing, site: Any, video: Path
) -> None:
    page = browsing.open()
    bring(page, video)
    with others_job(site):
        page.get_by_label("What to find").fill(RED)
        go(page).click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        page.reload()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        expect(go(page)).to_be_disabled()
    page.get_by_text("Done in").wait_for()
    expect(page.locator(".answer h3").first).to_have_text(RED)
    expect(go(page)).to_be_enabled()


def test_waiting_and_cancel(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)  # whatever looks ahead is over now
    with others_job(site), ending(page, "Cancelled."):
        go(page).click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        shoot(page, "waiting")
        cancel(page)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    ask(page, RED)


def test_cancelled_while_the_film_is_drawn(
    browsing: Browsing, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, never = browsing.open(), Event()
    bring(page, video)
    ask(page, RED)
    film = page.locator("video.film").get_attribute("src")

    def endless_film(path: Path, clip: Any, tracks: Any, labels: Any, hook: Hook) -> None:
        while not never.wait(0.01):
            hook("overlay", None, 0, 1)

    with monkeypatch.context() as changed, ending(page, "Cancelled."):
        changed.setattr("refervid.webui.session.write_overlay", endless_film)
        page.get_by_label("What to find").fill(BLUE)
        go(page).click()
        page.get_by_text("The film is being drawn").wait_for()
        expect(page.locator(".chips button")).to_contain_text([BLUE])
        cancel(page)
    expect(page.locator(".chips button")).to_contain_text([RED])
    expect(page.locator(".answer h3").first).to_have_text(RED)
    expect(page.locator("video.film")).to_have_attribute("src", film)
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    tab(page, "Take away")
    expect(page.locator(".recipe textarea").first).to_have_value(re.compile(RED))
    with ending(page):
        page.get_by_role("button", name="Make a zip").click()
    page.locator("a.download").wait_for()


def test_which_answer_is_corrected_and_which_are_hidden(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, f"{RED}\n{BLUE}")
    tab(page, "Frames")
    which, chips = page.get_by_label("Which answer to correct"), page.locator(".chips button")
    which.select_option(label=BLUE)
    chips.last.click()
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator(".undo")).to_be_enabled()
    expect(which).to_have_value("1")
    expect(chips.last).to_have_attribute("aria-pressed", "false")
    ask(page, f"{RED}\n{BLUE} here")
    expect(chips).to_contain_text([RED, BLUE])
    expect(chips.last).to_have_attribute("aria-pressed", "true")
    expect(which).to_have_value("0")


def test_the_clip_is_shown_at_once_and_a_click_is_enough(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    assert "/clip-1/film" in page.locator("video.film").get_attribute("src")
    tab(page, "Frames")
    assert "frame 1 of 20 · 0.00 s" in page.locator(".place").inner_text()
    for hidden in (".apply", ".afresh", ".undo"):
        expect(page.locator(hidden)).to_be_hidden()
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Track this", exact=True).click()
    expect(page.locator(".chips button")).to_have_text(["object 1"])
    assert near(box_middle(page), SQUARE_CENTRE)
    page.locator(".slider").fill("0")
    click_at(page, disc_centre(0))
    with ending(page):
        page.get_by_role("button", name="Track this as well").click()
    expect(page.locator(".chips button")).to_have_text(["object 1", "object 2"])
    page.locator(".slider").fill("0")
    assert near(box_middle(page, 1), disc_centre(0))
    shoot(page, "pointed-at")
    tab(page, "Take away")
    assert "refervid track" in page.locator(".recipe textarea").first.input_value()


def test_a_guess_looks_like_one(browsing: Browsing, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)  # what it is was not said
    expect(page.locator(".answer .status.guess")).to_have_count(1)
    tab(page, "Frames")
    click_at(page, SQUARE_CENTRE)
    with ending(page):
        page.get_by_role("button", name="Track this as well").click()
    expect(page.locator(".chips button")).to_have_text([f"{RED} ?", "object 1"])
    dashes = [box.get_attribute("stroke-dasharray") for box in page.locator(".marks rect").all()]
    assert dashes == ["7 5", None]
    shoot(page, "guess")


def test_everything_is_in_sight_on_a_small_screen(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open(viewport={"width": 1366, "height": 768})
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
    page.keyboard.press("PageDown" if "frame 20" not in frame else "PageUp")
    assert page.locator(".place").inner_text() != frame
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_text("1 marked as it, 0 as not it.").wait_for()
    shoot(page, "keyboard")
    go_to(".apply")
    with ending(page):
        page.keyboard.press("Enter")
    expect(page.locator(".undo")).to_be_enabled()
    go_to(".undo")


@pytest.mark.parametrize("look", ["narrow", "dark"])
def test_narrow_and_dark(browsing: Browsing, video: Path, look: str) -> None:
    options = {"narrow": {"viewport": {"width": 390, "height": 800}}, "dark": {"color_scheme": "dark"}}
    page = browsing.open(**options[look])
    shoot(page, f"{look}-1-empty")
    bring(page, video)
    ask(page, f"{RED}\nthe thing that has a very long sentence behind it, with many words, until")
    for number, name in enumerate(("Watch", "Frames", "Why", "Take away"), 2):
        tab(page, name)
        page.wait_for_timeout(150)
        shoot(page, f"{look}-{number}")
        widest = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
        assert widest <= 0, name

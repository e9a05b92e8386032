"""The page in a real browser. Pictures of it are left in `out/webui`, to be looked at."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from tests.clips import tone, write_video, write_wav
from tests.webui.conftest import HEIGHT, SQUARE_CENTRE, WIDTH, Browsing, pictures, shoot

RED = "the red disc"


def bring(page: Any, clip: Path) -> None:
    page.locator("input[type=file]").set_input_files(clip)
    page.locator(".clip-card").wait_for()


def ask(page: Any, text: str) -> None:
    page.get_by_label("What to find").fill(text)
    page.get_by_role("button", name="Find it").click()
    done(page)


def done(page: Any) -> None:
    page.get_by_text(re.compile(r"Done in")).wait_for()
    page.get_by_role("button", name="Find it").and_(page.locator(":enabled")).wait_for()


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def box_middle(page: Any, number: int = 0) -> tuple[float, float]:
    """Middle of the shown box of an answer, in pixels of the clip."""
    box = page.locator(".marks rect").nth(number)
    x, y, width, height = (float(box.get_attribute(name)) for name in ("x", "y", "width", "height"))
    return x + width / 2, y + height / 2


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
    ask(page, f"{RED}\nthe blue square")
    page.locator("video.film").wait_for()
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    facts = page.evaluate(
        "(() => { const v = document.querySelector('video.film');"
        " return [v.videoWidth, v.videoHeight, v.error === null]; })()"
    )
    assert facts == [WIDTH, HEIGHT, True]
    assert page.locator(".answer .status.ok").count() == 2
    shoot(page, "2-watch")

    tab(page, "Frames")
    assert page.locator(".layers img:visible").count() == 2
    page.locator(".slider").fill("10")
    assert "frame 10 of 19 · 0.40 s" in page.locator(".place").inner_text()
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
    page.get_by_role("button", name="Start over from these marks").click()
    page.wait_for_function("document.querySelector('.undo').disabled === false")
    assert near(box_middle(page), SQUARE_CENTRE)

    page.get_by_role("button", name="Undo last correction").click()
    page.get_by_text("Not right?").wait_for()
    assert page.locator(".undo").is_disabled()
    assert near(box_middle(page), red)

    page.get_by_label("It is here").check()
    click_at(page, SQUARE_CENTRE)
    page.get_by_label("Not this").check()
    click_at(page, red)
    page.get_by_text("1 marked as it, 1 as not it.").wait_for()
    shoot(page, "5-points")
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_function("document.querySelector('.undo').disabled === false")
    done(page)

    tab(page, "Why")
    assert page.locator(".pivots img").count() >= 2
    shoot(page, "6-why")
    tab(page, "Take away")
    assert "--text" in page.locator(".recipe textarea").first.input_value()
    page.get_by_label("COCO run lengths (JSON)").check()
    page.get_by_role("button", name="Make a zip").click()
    page.locator("a.download").wait_for()
    shoot(page, "7-take-away")
    assert "coco-rle" in page.locator(".recipe textarea").last.input_value()
    with page.expect_download() as coming:
        page.locator("a.download").click()
    coming.value.save_as(tmp_path / "answer.zip")
    with zipfile.ZipFile(tmp_path / "answer.zip") as archive:
        assert {"overlay.mp4", "report.html", "coco_rle.json"} <= set(archive.namelist())


@pytest.mark.parametrize("where", ["button", "picture"])
def test_another_candidate_by_a_click(browsing: Browsing, video: Path, where: str) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    tab(page, "Frames")
    before = box_middle(page)
    tab(page, "Why")
    if where == "button":
        page.get_by_role("button", name=re.compile("Take candidate 2 for")).first.click()
    else:
        page.get_by_title("Take candidate 2").first.hover()
        shoot(page, "candidate")
        page.get_by_title("Take candidate 2").first.click()
    tab(page, "Frames")
    page.wait_for_function("document.querySelector('.undo').disabled === false")
    assert not near(box_middle(page), before)


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
    page.locator("input[type=file]").set_input_files(path)
    words = page.locator(".card.error").inner_text()
    hints = {"sound": "no moving pictures", "large": "MB are allowed", "long": "3 s are allowed"}
    assert hints.get(kind, "cannot be read as a video") in words
    assert "/" not in words
    assert page.locator(".clip-card").count() == 0
    shoot(page, f"error-{kind}")


def test_no_question_goes_to_the_clip_before_while_an_upload_is_under_way(
    browsing: Browsing, video: Path, silent_video: Path
) -> None:
    page, held = browsing.open(), []
    bring(page, video)
    page.route("**/upload*", lambda route: held.append(route))
    page.locator("input[type=file]").set_input_files(silent_video)
    go = page.get_by_role("button", name="Find it")
    go.and_(page.locator(":disabled")).wait_for()
    for route in held:
        route.continue_()
    page.locator(".clip-card").get_by_text("no sound").wait_for()
    go.and_(page.locator(":enabled")).wait_for()


def test_questions_without_an_answer(browsing: Browsing, silent_video: Path) -> None:
    page = browsing.open()
    page.get_by_role("button", name="Find it").click()
    page.get_by_text("Choose a clip first").or_(page.get_by_text("Say what to look for")).wait_for()
    bring(page, silent_video)
    page.get_by_label("What makes the sound").check()
    page.get_by_role("button", name="Find it").click()
    page.get_by_text("This clip has no sound").wait_for()
    page.get_by_label("What makes the sound").uncheck()
    ask(page, "the green triangle")
    page.locator(".status.not_found").wait_for()
    assert page.locator(".notes li").count() > 0
    shoot(page, "nothing-found")
    tab(page, "Frames")
    # What was missed can be pointed out.
    click_at(page, SQUARE_CENTRE)
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_function("document.querySelector('.undo').disabled === false")
    assert near(box_middle(page), SQUARE_CENTRE)


def test_two_visitors_at_once(browsing: Browsing, site: Any, video: Path, silent_video: Path) -> None:
    one, other = browsing.open(), browsing.open()
    bring(one, video)
    bring(other, silent_video)
    for page, text in ((one, RED), (other, "the blue square")):
        page.get_by_label("What to find").fill(text)
        page.get_by_role("button", name="Find it").click()
    for page, text in ((one, RED), (other, "the blue square")):
        done(page)
        assert page.locator(".answer h3").first.inner_text() == text
    assert "with sound" in one.locator(".clip-card").inner_text()
    assert "no sound" in other.locator(".clip-card").inner_text()
    films = {page.locator("video.film").get_attribute("src") for page in (one, other)}
    assert len({film.split("/")[2] for film in films}) == 2


def test_whoever_closes_the_page_leaves_no_file(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    token = page.locator("video.film").get_attribute("src").split("/")[2]
    folder = site.studios.with_token(token).folder
    assert folder.is_dir()
    page.close()
    gone = browsing.open()
    for _ in range(100):
        if not folder.exists():
            break
        gone.wait_for_timeout(100)
    assert not folder.exists()
    assert site.studios.with_token(token) is None
    assert list(site.studios._folder.rglob("my clip.mp4")) == []


def test_waiting_and_cancel(browsing: Browsing, site: Any, video: Path) -> None:
    page, gate = browsing.open(), Event()
    bring(page, video)
    ask(page, RED)  # whatever looks ahead is over now
    site.studios.workshop.submit(lambda hook: gate.wait(20))
    page.get_by_role("button", name="Find it").click()
    page.get_by_text("Waiting: 1 job is before yours.").wait_for()
    shoot(page, "waiting")
    page.get_by_role("button", name="Cancel").click()
    gate.set()
    page.get_by_text("Cancelled.").wait_for()
    assert page.get_by_role("button", name="Cancel").count() == 0
    ask(page, RED)


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
    page.keyboard.press("Shift+Enter")
    done(page)
    go_to("[role=tab]")
    page.keyboard.press("ArrowRight")
    go_to(".stage")
    frame = page.locator(".place").inner_text()
    page.keyboard.press("PageDown" if "frame 19" not in frame else "PageUp")
    assert page.locator(".place").inner_text() != frame
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_text("1 marked as it, 0 as not it.").wait_for()
    shoot(page, "keyboard")
    go_to(".apply")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.undo').disabled === false")
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

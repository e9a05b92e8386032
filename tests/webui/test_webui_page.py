"""The page in a real browser. Pictures of it are left in `out/webui`, to be looked at."""

from __future__ import annotations

import re
import shutil
import time
import zipfile
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from refervid.core.types import Hook
from tests.clips import tone, write_video, write_wav
from tests.webui.conftest import (
    FRAMES,
    HEIGHT,
    SQUARE_CENTRE,
    WIDTH,
    Browsing,
    others_job,
    pictures,
    shoot,
    until,
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
    drawn,
    ending,
    expect,
    eye,
    go,
    held_upload,
    named,
    near,
    opened,
    tab,
    tool,
    upload,
    visitor_of,
)


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
    page.locator(".slider").fill("6")
    assert f"frame 7 of {FRAMES} · 0.24 s" in page.locator(".place").inner_text()
    eye(page, 1).click()
    expect(page.locator(".layers img:visible")).to_have_count(1)
    eye(page, 1).click()
    shoot(page, "3-frames")

    red = box_middle(page)
    tool(page, "Box")
    drag(page, (98, 12), (131, 45))
    page.get_by_text("A box is marked.").wait_for()
    shoot(page, "4-box")
    with ending(page):
        page.get_by_role("button", name="Start over").click()
    expect(page.locator(".undo")).to_be_enabled()
    assert near(box_middle(page), SQUARE_CENTRE)

    with ending(page):
        page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("Not right?").wait_for()
    expect(page.locator(".redo")).to_be_enabled()
    assert near(box_middle(page), red)

    tool(page, "It is here")
    click_at(page, SQUARE_CENTRE)
    tool(page, "Not this")
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
    for box in page.locator(".recipe textarea").all():  # grown with what is in it
        assert box.evaluate("box => box.scrollHeight - box.clientHeight") <= 0
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


def test_files_that_do_not_do(browsing: Browsing, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video")
    (tmp_path / "large.mp4").write_bytes(bytes(700_000))
    whole = write_video(tmp_path / "whole.mp4", pictures()).read_bytes()
    (tmp_path / "damaged.mp4").write_bytes(whole[:600])
    page = browsing.open()
    for path, hint in (  # no hint follows itself
        (write_wav(tmp_path / "sound.wav", tone(0.5)), "no moving pictures"),
        (tmp_path / "text.mp4", "cannot be read as a video"),
        (tmp_path / "large.mp4", "MB are allowed"),
        (tmp_path / "damaged.mp4", "cannot be read as a video"),
        (write_video(tmp_path / "long.mp4", pictures(), fps=2), "3 s are allowed"),
    ):
        upload(page, path)
        error = page.locator(".card.error")
        expect(error).to_contain_text(hint)
        assert "/" not in error.inner_text()
        assert page.locator(".clips").count() == 0
        shoot(page, f"error-{path.stem}")


def test_no_question_is_taken_while_an_upload_is_under_way_or_opened(
    browsing: Browsing, site: Any, video: Path, silent_video: Path
) -> None:
    page = browsing.open()
    bring(page, video)
    page.get_by_label("What to find").fill(RED)
    with held_upload(page, silent_video):
        go(page).click(force=True)
        page.evaluate("document.getElementById('go').focus()")
        page.keyboard.press("Enter")
    opened(page, silent_video)
    assert page.locator(".answer").count() == 0  # not on the clip before either
    ask(page, RED)

    before = str(page.locator("video.film").get_attribute("src"))
    with others_job(site):
        upload(page, video)
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        expect(go(page)).to_be_disabled()
        page.get_by_label("What to find").press("Shift+Enter")
        page.get_by_text("The last request is still being worked on").wait_for()
    opened(page, video)
    expect(page.locator("video.film")).not_to_have_attribute("src", before)  # the new clip, as it is
    for gone in (".answer", ".timeline .eye"):
        expect(page.locator(gone)).to_have_count(0)


def test_what_is_typed_while_the_demo_clip_comes_stays_and_is_not_taken_yet(
    browsing: Browsing, site: Any, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path))
    (tmp_path / "demo").mkdir()
    shutil.copy(video, tmp_path / "demo" / "demo-1.mp4")  # as if drawn
    page = browsing.open()
    text = page.get_by_label("What to find")
    with others_job(site):
        page.get_by_role("button", name="Take the demo clip").click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        expect(text).to_have_value("the red striped ball")
        text.fill(RED)
        text.press("Shift+Enter")
        busy = page.locator(".card.busy", has_text="The last request is still being worked on")
        expect(busy).to_contain_text("Waiting: 1 job is before yours.")
    opened(page, tmp_path / "demo.mp4")
    expect(text).to_have_value(RED)


def test_where_the_server_is_gone_the_page_says_so(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    page.get_by_label("What to find").fill(RED)
    with others_job(site):
        go(page).click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        page.context.set_offline(True)
        try:
            expect(page.locator(".card.error")).to_contain_text("Start it again with refervid ui")
        finally:
            page.context.set_offline(False)


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


def test_two_visitors_at_once_and_whoever_closes_the_page_leaves_no_file(
    browsing: Browsing, site: Any, video: Path, silent_video: Path
) -> None:
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
    assert "with sound" in one.locator(".clips").inner_text()
    assert "no sound" in other.locator(".clips").inner_text()
    films = [page.locator("video.film").get_attribute("src") for page in (one, other)]
    tokens = [film.split("/")[2] for film in films]
    assert len(set(tokens)) == 2

    folders = [site.visitors.with_token(token).folder for token in tokens]
    assert all(folder.is_dir() for folder in folders)
    visitor = visitor_of(site, one)
    one.close()
    until(lambda: not visitor.pages, lambda seconds: other.wait_for_timeout(1000 * seconds))
    site.visitors.sweep(time.monotonic() + site.visitors.limits.return_s)
    assert [folder.exists() for folder in folders] == [False, True]
    assert site.visitors.with_token(tokens[0]) is None


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
    film = drawn(page)
    page.reload()
    opened(page, video)
    expect(page.locator("video.film")).to_have_attribute("src", film)
    expect(page.locator(".answer .status.not_found")).to_have_count(0)
    expect(page.locator(".answer")).to_have_count(4)  # what was found, and why
    expect(page.get_by_label("What to find")).to_have_value(f"{RED}\n{BLUE}")
    tab(page, "Frames")
    with ending(page):
        page.get_by_role("button", name="Undo", exact=True).click()
    other = browsing.open()
    expect(other.locator(".clips")).to_have_count(0)


def test_waiting_and_cancel(browsing: Browsing, site: Any, video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    with others_job(site):
        page.get_by_label("What to find").fill(RED)
        go(page).click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        page.reload()  # goes on with it
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        expect(go(page)).to_be_disabled()
    page.get_by_text("Done in").wait_for()
    expect(page.locator(".answer h3").first).to_have_text(RED)
    expect(go(page)).to_be_enabled()

    page.get_by_label("What to find").fill(BLUE)
    with others_job(site), ending(page, "Cancelled."):
        go(page).click()
        page.get_by_text("Waiting: 1 job is before yours.").wait_for()
        shoot(page, "waiting")
        cancel(page)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    ask(page, BLUE)
    expect(named(page)).to_contain_text([RED, BLUE, NEW])


def test_nobody_waits_for_a_film(browsing: Browsing, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, never = browsing.open(), Event()
    bring(page, video)

    def endless_film(path: Path, clip: Any, tracks: Any, labels: Any, hook: Hook) -> None:
        while not never.wait(0.01):
            hook("overlay", None, 0, 1)

    with monkeypatch.context() as changed:
        changed.setattr("refervid.webui.clip_work.write_overlay", endless_film)
        ask(page, RED)
        page.get_by_text("The overlay is being drawn").wait_for()
        page.wait_for_function("document.querySelector('img.film').naturalWidth > 0")
        shoot(page, "before-the-film")
        ask(page, BLUE)
    with ending(page):
        page.locator("#tab-frames .undo").evaluate("button => button.click()")
    drawn(page)
    page.wait_for_function("document.querySelector('video.film').readyState >= 2")
    expect(named(page)).to_contain_text([RED, NEW])


def test_several_clips_in_a_list(browsing: Browsing, video: Path, silent_video: Path) -> None:
    page = browsing.open()
    bring(page, video)
    ask(page, RED)
    bring(page, silent_video)
    expect(page.locator(".clips > li")).to_have_count(2)
    expect(page.locator(".answer")).to_have_count(0)
    ask(page, BLUE)
    page.get_by_role("button", name=re.compile("^my-clip")).click()
    expect(page.locator(".answer h3").first).to_have_text(RED)
    expect(named(page)).to_contain_text([RED, NEW])
    shoot(page, "clips")
    page.reload()
    opened(page, video)
    expect(page.locator(".clips > li")).to_have_count(2)
    page.get_by_role("button", name="Close my-clip").click()
    opened(page, silent_video)
    expect(page.locator(".clips > li")).to_have_count(1)
    expect(page.locator(".answer h3").first).to_have_text(BLUE)

"""The page in a real browser, asked about a clip that it has not looked at yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from refervid.core.boxes import box_of
from refervid.pipelines.presets import load
from tests.clips import write_video
from tests.webui.conftest import Browsing, disc_centre, others_job, pictures, shoot, there_and_back
from tests.webui.steps import RED, bring, expect, go, near, visitor_of


def test_a_first_look_is_shown_long_before_the_answer_which_is_the_same_without(
    browsing: Browsing, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_video(tmp_path / "there and back.mp4", pictures()[there_and_back()], fps=50)
    monkeypatch.setattr(site.visitors, "look_ahead", lambda *_: None)  # asked at once
    page = browsing.open()
    bring(page, clip)
    page.get_by_label("What to find").fill(RED)
    with others_job(site):
        go(page).click()
        page.get_by_text("A guess from the first look").wait_for()
        still = page.locator("img.film[src*=still]")
        page.wait_for_function("document.querySelector('img.film').naturalWidth > 0")
        shoot(page, "first-look")
        visitor = visitor_of(site, page)
        glimpse = visitor.desk.work.glimpse
        x0, y0, x1, y1 = box_of(glimpse.masks[0])
        assert near(((x0 + x1) / 2, (y0 + y1) / 2), disc_centre(there_and_back()[glimpse.frame]))
        assert visitor.job.state == "waiting"
        assert visitor.desk.work.answers is None
    page.get_by_text("Done in").wait_for()
    expect(still).to_have_count(0)
    [answer] = visitor.desk.work.answers.results
    alone = load("lite", device="cpu", remember=False)(clip, text=RED)  # without a first look
    assert [answer.track.rle(index) for index in range(len(answer.track))] == [
        alone.track.rle(index) for index in range(len(alone.track))
    ]
    assert (answer.status, answer.notes) == (alone.status, alone.notes)

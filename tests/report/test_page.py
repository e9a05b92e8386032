"""The report says what was found and why, is safe to open, and asks nobody for anything."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from refervid.core.track import Track
from refervid.core.types import Candidate, Decision, Pivot, Reference, SoundReference, TextReference
from refervid.media.array import ArrayClip
from refervid.media.opening import open_clip
from refervid.media.overlay import write_overlay
from refervid.media.sections import sample_sections
from refervid.report import page
from refervid.report.page import write_report
from refervid.report.pictures import poster_uri
from refervid.report.result import Result
from tests.clips import numbered_frames

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}\u202e"


class Page(HTMLParser):
    """Tags, the addresses they name, and the text between them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "action", "poster")
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def clip() -> ArrayClip:
    return ArrayClip(numbered_frames(50, 90, 160), name="clip")


def block(clip: ArrayClip, frames: range) -> Track:
    track = Track(len(clip), clip.height, clip.width)
    mask = np.zeros((clip.height, clip.width), bool)
    mask[50:80, 30:90] = True
    for index in frames:
        track[index] = mask
    return track


def result_of(clip: ArrayClip, reference: Reference, track: Track, **more: object) -> Result:
    return Result(clip, reference, "slug", more.pop("status", "ok"), track, "lite", **more)  # type: ignore[arg-type]


def box_decision(frame_index: int = 20, **more: object) -> Decision:
    candidates = [
        Candidate(np.array([30, 50, 90, 80], np.float32), 0.61, "blue cup"),
        Candidate(np.array([100, 50, 120, 80], np.float32), 0.27),
    ]
    return Decision("box", 1, "rules", "it is blue", 0, frame_index, candidates=candidates, **more)  # type: ignore[arg-type]


def test_it_tells_what_was_asked_found_and_why(tmp_path: Path, clip: ArrayClip) -> None:
    [section] = sample_sections(clip)
    frame_decision = Decision(
        "frame", 3, "model", "sharpest", 0, 20, "some-vlm", "frame-2", '{"frame": 3}', section.jpeg
    )
    write_report(
        tmp_path / "report.html",
        [
            result_of(
                clip,
                TextReference("the blue cup"),
                block(clip, range(10, 30)),
                pivots=[Pivot(20, np.array([30, 50, 90, 80], np.float32))],
                decisions=[frame_decision, box_decision()],
                notes=["the word 'shiny' was not understood"],
                timings_s={"track": 1.5},
                engines={"tracker": "flow 1"},
            ),
            result_of(clip, SoundReference(), block(clip, range(0)), status="not_found"),
        ],
    )
    report = Page(tmp_path / "report.html")
    for words in (
        "the blue cup",
        "What makes the sound",
        "on 20 of 50 frames: 0.4 s to 1.2 s",
        "not found",
        "the word 'shiny' was not understood",
        "frame 21 of 50, 0.8 s",
        "sharpest",
        "it is blue",
        "box 1",
        "blue cup",
        "no phrase",
        "some-vlm, prompt frame-2",
        '{"frame": 3}',
        "tracker: flow 1",
        "Tracking through the clip",
        "1.5 s",
        "preset lite",
    ):
        assert words in report.words, words
    # Pivot, two decisions, and the contact sheet.
    assert report.tags.count("img") == 4
    assert report.tags.count("svg") == 1


@pytest.mark.parametrize(
    ("chosen", "scores"), [((0,), ["0.61"]), ((1,), ["0.27"]), ((0, 1), ["0.61", "0.27"])]
)
def test_the_chosen_boxes_are_marked(
    tmp_path: Path, clip: ArrayClip, chosen: tuple[int, ...], scores: list[str]
) -> None:
    decision = replace(box_decision(), chosen=chosen)
    result = result_of(clip, TextReference("it"), block(clip, range(5)), decisions=[decision])
    write_report(tmp_path / "report.html", [result])
    rows = re.findall(r'<tr class="chosen">.*?</tr>', (tmp_path / "report.html").read_text(), re.DOTALL)
    assert [re.findall(r"0\.\d\d", row) for row in rows] == [[score] for score in scores]


def test_the_poster_is_a_usual_frame(clip: ArrayClip) -> None:
    usual, leaking = block(clip, range(10, 30)), block(clip, range(10, 30))
    leaking[40] = np.ones((clip.height, clip.width), bool)
    assert poster_uri(clip, [leaking]) == poster_uri(clip, [usual])


def test_nothing_from_outside_becomes_markup(tmp_path: Path, clip: ArrayClip) -> None:
    clip.name = HOSTILE
    clip.notes = [HOSTILE]
    decision = Decision(HOSTILE, HOSTILE, "model", HOSTILE, 0, 20, HOSTILE, HOSTILE, HOSTILE)
    hostile_box = Candidate(np.array([0, 0, 9, 9], np.float32), 0.5, HOSTILE)
    write_report(
        tmp_path / "report.html",
        [
            result_of(
                clip,
                TextReference(HOSTILE),
                block(clip, range(5)),
                decisions=[decision, Decision("box", 1, "model", frame_index=1, candidates=[hostile_box])],
                notes=["note " + HOSTILE],
                timings_s={HOSTILE: 1.0},
                engines={HOSTILE: HOSTILE},
            )
        ],
    )
    report = Page(tmp_path / "report.html")
    assert "script" not in report.tags
    assert report.handlers == []
    assert report.words.count(HOSTILE) >= 12


def test_it_asks_nobody_for_anything(tmp_path: Path, clip: ArrayClip) -> None:
    write_overlay(tmp_path / "overlay.mp4", clip, [])
    result = result_of(clip, TextReference("it"), block(clip, range(5)), decisions=[box_decision()])
    write_report(tmp_path / "report.html", [result], tmp_path / "overlay.mp4")
    report = Page(tmp_path / "report.html")
    assert all(address.startswith(("data:", "#")) for address in report.addresses)
    assert not re.search(r"@import|url\((?!#)|https?:", re.sub(r'"data:[^"]*"', "", report.source))
    assert "default-src 'none'" in report.source
    assert not {"script", "link", "iframe", "object", "form"} & set(report.tags)


def test_a_small_overlay_is_carried_in_the_page(tmp_path: Path, clip: ArrayClip) -> None:
    write_overlay(tmp_path / "overlay.mp4", clip, [])
    write_report(
        tmp_path / "report.html",
        [result_of(clip, TextReference("it"), block(clip, range(5)))],
        tmp_path / "overlay.mp4",
    )
    [movie] = [a for a in Page(tmp_path / "report.html").addresses if a.startswith("data:video/mp4;base64,")]
    (tmp_path / "copy.mp4").write_bytes(base64.b64decode(movie.split(",")[1]))
    assert len(open_clip(tmp_path / "copy.mp4")) == 50


def test_a_large_overlay_is_linked(tmp_path: Path, clip: ArrayClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOVIE_LIMIT", 100)
    write_overlay(tmp_path / "my overlay#1.mp4", clip, [])
    result = result_of(clip, TextReference("it"), block(clip, range(5)))
    write_report(tmp_path / "report.html", [result], tmp_path / "my overlay#1.mp4")
    assert "my%20overlay%231.mp4" in Page(tmp_path / "report.html").addresses


def test_pictures_that_make_the_page_too_large_lie_beside_it(
    tmp_path: Path, clip: ArrayClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    pivots = [Pivot(index, np.array([1, 1, 9, 9], np.float32)) for index in range(12)]
    result = result_of(clip, TextReference("it"), block(clip, range(5)), pivots=pivots)
    write_report(tmp_path / "whole.html", [result])
    whole = Page(tmp_path / "whole.html")
    assert not (tmp_path / "report").exists()
    monkeypatch.setattr(page, "PICTURE_LIMIT", 20_000)
    write_report(tmp_path / "report.html", [result])
    report = Page(tmp_path / "report.html")
    carried = [address for address in report.addresses if address.startswith("data:image/jpeg")]
    beside = [address for address in report.addresses if address.startswith("report/")]
    assert carried
    assert sum(map(len, carried)) < 21_000
    assert len(carried) + len(beside) == sum(one.startswith("data:image/jpeg") for one in whole.addresses)
    first = next(one for one in whole.addresses if one.startswith("data:image/jpeg") and one not in carried)
    assert (tmp_path / beside[0]).read_bytes() == base64.b64decode(first.split(",")[1])


def test_hundreds_of_decisions_keep_the_page_small(tmp_path: Path, clip: ArrayClip) -> None:
    decisions = [box_decision(index % 50) for index in range(300)]
    pivots = [Pivot(index, np.array([1, 1, 9, 9], np.float32)) for index in range(40)]
    result = result_of(clip, TextReference("it"), block(clip, range(5)), decisions=decisions, pivots=pivots)
    write_report(tmp_path / "report.html", [result])
    report = Page(tmp_path / "report.html")
    assert report.words.count("Which box is it?") == 300
    assert report.tags.count("img") == 24 + 12 + 1
    assert "276 more pictures are left out" in report.words
    assert "28 more pivots" in report.words


def test_the_legend_names_a_guess_as_one(tmp_path: Path, clip: ArrayClip) -> None:
    texts = {"the cup": "ok", "the jug": "guess"}
    results = [
        result_of(clip, TextReference(text), block(clip, range(9)), status=status)
        for text, status in texts.items()
    ]
    write_report(tmp_path / "report.html", results)
    legend = re.search("<nav.*?</nav>", (tmp_path / "report.html").read_text("utf-8"), re.DOTALL)
    assert legend is not None
    assert re.sub("<[^>]+>", "", legend[0]).split("\n")[1:-1] == ["    the cup", "    the jug ?"]


def test_pivots_of_every_kind_are_drawn(tmp_path: Path, clip: ArrayClip) -> None:
    points = np.array([[40, 60], [100, 10]], np.float32)
    pivots = [
        Pivot(3, mask=block(clip, range(5))[3]),
        Pivot(1, points_xy=points, point_labels=np.array([True, False])),
        Pivot(2, np.array([-50, -50, 500, 500], np.float32)),
    ]
    result = result_of(clip, TextReference("it"), block(clip, range(5)), pivots=pivots)
    write_report(tmp_path / "report.html", [result])
    words = Page(tmp_path / "report.html").words
    assert words.index("frame 2 of") < words.index("frame 3 of") < words.index("frame 4 of")


def test_where_a_thing_is_away_the_tracker_did_not_start(tmp_path: Path, clip: ArrayClip) -> None:
    nothing = np.zeros((clip.height, clip.width), bool)
    pivots = [
        Pivot(1, np.array([30, 50, 90, 80], np.float32)),
        Pivot(20, np.zeros(4, np.float32)),
        Pivot(30, mask=nothing),
    ]
    result = result_of(clip, TextReference("it"), block(clip, range(5)), pivots=pivots)
    write_report(tmp_path / "report.html", [result])
    report = Page(tmp_path / "report.html")
    assert re.findall(r"frame \d+ of 50", report.words) == ["frame 2 of 50"]
    assert report.source.count('<path class="pivot"') == 1


@pytest.mark.parametrize(
    ("answer", "words"), [("3", "track 3"), ("15, 5", "tracks 15, 5"), ("an area", "an area")]
)
def test_numbers_of_tracks_are_called_so(tmp_path: Path, clip: ArrayClip, answer: str, words: str) -> None:
    decision = Decision("tracks", answer, "rules")
    result = result_of(clip, TextReference("it"), block(clip, range(5)), decisions=[decision])
    write_report(tmp_path / "report.html", [result])
    assert f"Which of the things is it? {words} rules" in Page(tmp_path / "report.html").words


@pytest.mark.parametrize("text", ["", "   ", "\x00\x1b[31m", "broken \udcff bytes", "x" * 5000])
def test_strange_sentences_are_shown_as_they_are(tmp_path: Path, clip: ArrayClip, text: str) -> None:
    write_report(
        tmp_path / "report.html",
        [result_of(clip, TextReference(text), block(clip, range(0)), status="not_found")],
    )
    assert "not found" in Page(tmp_path / "report.html").words


def test_a_clip_of_one_frame(tmp_path: Path) -> None:
    clip = ArrayClip(numbered_frames(1))
    track = Track(1, clip.height, clip.width)
    track[0] = np.ones((clip.height, clip.width), bool)
    write_report(tmp_path / "report.html", [result_of(clip, TextReference("it"), track)])
    assert "on 1 of 1 frame" in Page(tmp_path / "report.html").words

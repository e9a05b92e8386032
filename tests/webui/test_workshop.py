"""Jobs in line, and visitors who come and go."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from refervid.core.errors import SettingsError
from refervid.core.types import Hook
from refervid.webui.limits import Limits
from refervid.webui.studios import Studios
from refervid.webui.workshop import Job, Workshop
from tests.clips import write_video
from tests.webui.conftest import PATIENCE_S, pictures


def held(gate: Event) -> object:
    """Work that reports progress until the gate opens."""

    def work(hook: Hook) -> str:
        done = 0
        while not gate.wait(0.005):
            hook("hold", None, done := done + 1, 10**6)
        return "opened"

    return work


def test_one_after_the_other() -> None:
    shop, gate = Workshop(5), Event()
    first = shop.submit(held(gate))
    second = shop.submit(lambda hook: "second")
    assert shop.ahead_of(second) == 1
    assert second.state == "waiting"
    gate.set()
    assert second.wait(PATIENCE_S)
    assert (first.value, second.value) == ("opened", "second")
    assert (first.state, second.state) == ("done", "done")
    assert shop.ahead_of(second) == 0
    shop.close()


def test_cancelled_while_running_and_while_waiting() -> None:
    shop, gate = Workshop(5), Event()
    first, second = shop.submit(held(gate)), shop.submit(lambda hook: pytest.fail("ran"))
    second.cancel()
    assert second.finished
    assert not first.finished
    first.cancel()
    first.cancel()
    assert first.wait(PATIENCE_S)
    assert first.state == second.state == "cancelled"
    assert first.error is None
    third = shop.submit(lambda hook: "third")
    assert third.wait(PATIENCE_S)
    assert third.value == "third"
    shop.close()


def test_what_fails_is_told_and_the_next_goes_on() -> None:
    shop = Workshop(5)
    bad = shop.submit(lambda hook: 1 // 0)
    good = shop.submit(lambda hook: 1)
    assert good.wait(PATIENCE_S)
    assert bad.state == "failed"
    assert isinstance(bad.error, ZeroDivisionError)
    assert good.value == 1
    shop.close()


def test_the_line_has_an_end() -> None:
    shop, gate = Workshop(2), Event()
    jobs = [shop.submit(held(gate)) for _ in range(3)]
    with pytest.raises(SettingsError, match="waiting"):
        shop.submit(held(gate))
    gate.set()
    assert all(job.wait(PATIENCE_S) for job in jobs)
    shop.close()


def test_closing_ends_all_work() -> None:
    shop = Workshop(5)
    jobs = [shop.submit(held(Event())) for _ in range(3)]
    shop.close()
    assert [job.state for job in jobs] == ["cancelled"] * 3


def visitors(folder: Path, **limits: float) -> Studios:
    return Studios(folder, Limits(**limits), device="cpu", allow_remote=False)  # type: ignore[arg-type]


def test_visitors_have_folders_and_names_of_their_own(tmp_path: Path) -> None:
    studios = visitors(tmp_path)
    one, other = studios.of("one"), studios.of("other")
    assert studios.of("one") is one
    assert one.studio.folder != other.studio.folder
    assert one.studio.token != other.studio.token
    assert studios.with_token(one.studio.token) is one.studio
    assert studios.with_token("one") is None
    studios.leave("one")
    assert not one.studio.folder.exists()
    assert other.studio.folder.exists()
    assert studios.with_token(one.studio.token) is None
    studios.leave("one")
    studios.close()
    assert list(tmp_path.iterdir()) == []


def test_one_job_a_visitor(tmp_path: Path) -> None:
    studios, gate = visitors(tmp_path), Event()
    visitor = studios.of("one")
    job = studios.start(visitor, held(gate))
    with pytest.raises(SettingsError, match="still being worked on"):
        studios.start(visitor, held(gate))
    gate.set()
    assert job.wait(PATIENCE_S)
    studios.start(visitor, held(gate))
    studios.close()


def test_whoever_leaves_takes_the_job_along(tmp_path: Path) -> None:
    studios = visitors(tmp_path)
    visitor = studios.of("one")
    visitor.studio.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    job: Job = studios.start(visitor, held(Event()))
    studios.look_ahead(visitor)
    studios.leave("one")
    assert job.wait(PATIENCE_S)
    assert visitor.ahead is None or visitor.ahead.wait(PATIENCE_S)
    studios.close()
    assert job.state == "cancelled"
    assert not visitor.studio.folder.exists()


def test_no_room_in_the_line_to_look_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refervid.webui.studios.best_preset", lambda: "lite")
    studios = visitors(tmp_path, waiting=1)
    visitor = studios.of("one")
    visitor.studio.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    for other in ("other", "third"):
        studios.start(studios.of(other), held(Event()))
    studios.look_ahead(visitor)
    assert visitor.ahead is None
    studios.close()


def test_whoever_is_silent_too_long_has_left(tmp_path: Path) -> None:
    studios = visitors(tmp_path, idle_s=100)
    idle, busy = studios.of("idle"), studios.of("busy")
    job = studios.start(busy, held(Event()))
    idle.seen_s -= 101
    busy.seen_s -= 101
    studios.of("new")
    assert not idle.studio.folder.exists()
    assert busy.studio.folder.exists()
    assert not job.finished
    studios.close()


def test_others_jobs_are_counted_and_ones_own_look_ahead_is_not(tmp_path: Path) -> None:
    studios, gate = visitors(tmp_path), Event()
    one, other = studios.of("one"), studios.of("other")
    studios.start(other, held(gate))
    one.studio.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    studios.look_ahead(one)
    studios.start(one, lambda hook: None)
    assert studios.waiting(one) == 1
    assert studios.waiting(other) == 0
    gate.set()
    studios.close()

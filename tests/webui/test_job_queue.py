"""Jobs in line, and visitors who come and go."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from refervid.core.errors import SettingsError
from refervid.core.types import Hook
from refervid.webui.job_queue import Job, JobQueue
from refervid.webui.limits import Limits
from refervid.webui.visitors import Visitors
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
    queue, gate = JobQueue(5), Event()
    first = queue.submit(held(gate))
    second = queue.submit(lambda hook: "second")
    assert queue.ahead_of(second) == 1
    assert second.state == "waiting"
    gate.set()
    assert second.wait(PATIENCE_S)
    assert (first.value, second.value) == ("opened", "second")
    assert (first.state, second.state) == ("done", "done")
    assert queue.ahead_of(second) == 0
    queue.close()


def test_cancelled_while_running_and_while_waiting() -> None:
    queue, gate = JobQueue(5), Event()
    first, second = queue.submit(held(gate)), queue.submit(lambda hook: pytest.fail("ran"))
    second.cancel()
    assert second.finished
    assert not first.finished
    first.cancel()
    first.cancel()
    assert first.wait(PATIENCE_S)
    assert first.state == second.state == "cancelled"
    assert first.error is None
    third = queue.submit(lambda hook: "third")
    assert third.wait(PATIENCE_S)
    assert third.value == "third"
    queue.close()


def test_what_fails_is_told_and_the_next_goes_on() -> None:
    queue = JobQueue(5)
    bad = queue.submit(lambda hook: 1 // 0)
    good = queue.submit(lambda hook: 1)
    assert good.wait(PATIENCE_S)
    assert bad.state == "failed"
    assert isinstance(bad.error, ZeroDivisionError)
    assert good.value == 1
    queue.close()


def test_what_comes_first_is_done_between_two_steps_of_others() -> None:
    queue, gate, looked = JobQueue(5), Event(), Event()
    other = queue.submit(held(gate))
    jobs = [
        queue.submit(lambda hook: "unwanted", lambda hook: pytest.fail("ran")),
        queue.submit(lambda hook: 1, lambda hook: 1 // 0),
        queue.submit(lambda hook: 2, lambda hook: looked.set()),
    ]
    jobs[0].cancel()
    assert looked.wait(PATIENCE_S)
    assert [other.state, *(job.state for job in jobs)] == ["running", "cancelled", "waiting", "waiting"]
    looked.clear()
    gate.set()
    assert jobs[2].wait(PATIENCE_S)
    assert [other.value, *(job.value for job in jobs)] == ["opened", None, 1, 2]
    assert not looked.is_set()
    queue.close()


def test_what_comes_first_ends_with_its_job() -> None:
    queue, gate, begun = JobQueue(5), Event(), Event()

    def look(hook: Hook) -> None:
        begun.set()
        held(Event())(hook)

    other, job = queue.submit(held(gate)), queue.submit(lambda hook: 1, look)
    assert begun.wait(PATIENCE_S)
    job.cancel()
    gate.set()
    assert other.wait(PATIENCE_S)
    assert other.value == "opened"
    queue.close()


def test_the_line_has_an_end() -> None:
    queue, gate = JobQueue(2), Event()
    jobs = [queue.submit(held(gate)) for _ in range(3)]
    with pytest.raises(SettingsError, match="waiting"):
        queue.submit(held(gate))
    gate.set()
    assert all(job.wait(PATIENCE_S) for job in jobs)
    queue.close()


def test_closing_ends_all_work() -> None:
    queue = JobQueue(5)
    jobs = [queue.submit(held(Event())) for _ in range(3)]
    queue.close()
    assert [job.state for job in jobs] == ["cancelled"] * 3


def visitors(folder: Path, **limits: float) -> Visitors:
    return Visitors(folder, Limits(**limits), device="cpu", allow_remote=False)  # type: ignore[arg-type]


def later(page: Visitors, seconds: float) -> None:
    """What happens when so much time has gone by."""
    page.sweep(time.monotonic() + seconds)


def test_visitors_have_folders_and_names_of_their_own(tmp_path: Path) -> None:
    page = visitors(tmp_path, return_s=10)
    one, other = page.of("one"), page.of("other")
    assert page.of("one") is one
    assert one.desk.folder != other.desk.folder
    assert one.desk.token != other.desk.token
    assert page.with_token(one.desk.token) is one.desk
    assert page.with_token("one") is None
    page.leave("one")
    later(page, 11)
    assert not one.desk.folder.exists()
    assert other.desk.folder.exists()
    assert page.with_token(one.desk.token) is None
    page.leave("one")
    page.close()
    assert [path.name for path in tmp_path.iterdir()] == ["uploads"]


@pytest.mark.parametrize("order", ["leaves first", "returns first"])
def test_a_page_that_is_loaded_anew_finds_its_desk(tmp_path: Path, order: str) -> None:
    page = visitors(tmp_path, return_s=10)
    visitor = page.of("before")
    if order == "leaves first":
        page.leave("before")
        later(page, 9)
    assert page.return_to("after", visitor.desk.token) is visitor
    page.leave("before")
    later(page, 11)
    assert page.of("after") is visitor
    assert visitor.desk.folder.exists()
    assert page.return_to("third", "no such token") is None
    other = page.of("other")
    assert page.return_to("other", visitor.desk.token) is None
    assert page.of("other") is other
    page.close()


def test_one_job_a_visitor(tmp_path: Path) -> None:
    page, gate = visitors(tmp_path), Event()
    visitor = page.of("one")
    job = page.start(visitor, held(gate))
    with pytest.raises(SettingsError, match="still being worked on"):
        page.start(visitor, held(gate))
    gate.set()
    assert job.wait(PATIENCE_S)
    page.start(visitor, held(gate))
    page.close()


def test_whoever_leaves_takes_the_job_along(tmp_path: Path) -> None:
    page = visitors(tmp_path, return_s=10)
    visitor = page.of("one")
    visitor.desk.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    job: Job = page.start(visitor, held(Event()))
    page.look_ahead(visitor, visitor.desk.present_work())
    page.leave("one")
    assert not job.finished  # the page may be on its way back
    later(page, 11)
    assert job.wait(PATIENCE_S)
    assert visitor.ahead is None or visitor.ahead.wait(PATIENCE_S)
    page.close()
    assert job.state == "cancelled"
    assert not visitor.desk.folder.exists()


def test_no_room_in_the_line_to_look_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refervid.webui.visitors.best_preset", lambda: "lite")
    page = visitors(tmp_path, waiting=1)
    visitor = page.of("one")
    visitor.desk.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    for other in ("other", "third"):
        page.start(page.of(other), held(Event()))
    page.look_ahead(visitor, visitor.desk.present_work())
    assert visitor.ahead is None
    page.close()


def test_all_networks_are_read_before_anyone_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refervid.webui.visitors.best_preset", lambda: "lite")
    page = visitors(tmp_path)
    page.warm_up()
    assert page.start(page.of("one"), lambda hook: None).wait(PATIENCE_S)
    pipeline: Any = page.pipeline("lite")
    assert {"chooser", "finder", "tracker"} <= set(pipeline.engines.used)
    page.close()


def test_whoever_is_silent_too_long_has_left(tmp_path: Path) -> None:
    page = visitors(tmp_path, idle_s=100)
    idle, busy = page.of("idle"), page.of("busy")
    job = page.start(busy, held(Event()))
    later(page, 101)
    assert not idle.desk.folder.exists()
    assert busy.desk.folder.exists()
    assert not job.finished
    page.close()


def test_others_jobs_are_counted_and_ones_own_look_ahead_is_not(tmp_path: Path) -> None:
    page, gate = visitors(tmp_path), Event()
    one, other = page.of("one"), page.of("other")
    page.start(other, held(gate))
    one.desk.open(write_video(tmp_path / "clip.mp4", pictures()[:4]), "clip.mp4")
    page.look_ahead(one, one.desk.present_work())
    page.start(one, lambda hook: None)
    assert page.waiting(one) == 1
    assert page.waiting(other) == 0
    gate.set()
    page.close()

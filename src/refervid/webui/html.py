"""Pieces of the page as HTML. Whatever comes from outside is escaped by the template engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from refervid.core.counting import counted
from refervid.media.timing import frame_edges
from refervid.report.outcome import Outcome
from refervid.report.plot import clock
from refervid.report.stages import stage_words
from refervid.report.templates import template
from refervid.report.views import QueryView, view_queries
from refervid.webui.desk import Desk
from refervid.webui.job_queue import Job
from refervid.webui.pictures import file_address, work_address
from refervid.webui.viewing import query_label
from refervid.webui.words import lack_words, plain_words, without_paths

NO_FILM = "Your clip, with what you asked for drawn on it, will be here."
NO_REASONS = "Pivots, candidates and reasons will be here."


@dataclass(frozen=True)
class Explained:
    """The cards of all answers: `summary` says what was found, `reasons` why."""

    summary: str
    reasons: str


def explain(results: Sequence[Outcome]) -> Explained:
    """Takes a while: it reads the frames that it shows."""
    queries = [
        {"view": view, "label": query_label(view.result), "decisions": _placed(view)}
        for view in view_queries(results)
    ]
    return Explained(_render("summary", queries=queries), _render("reasons", queries=queries))


def clips_card(desk: Desk) -> str:
    """The list of clips; "" without any."""
    rows = [
        (work, clock(float(frame_edges(work.clip.times_s)[-1])), counted(len(work.clip), "frame"))
        for work in desk.works.values()
    ]
    return _render("clips", rows=rows, chosen=desk.work) if rows else ""


def progress_card(job: Job, ahead: int) -> str:
    """How far a job is, or how many are before it."""
    rows = [(stage_words(stage), *counts) for stage, counts in job.stages.items()]
    return _render("progress", ahead=ahead, rows=rows, refusal=job.refusal)


def said_card(words: str) -> str:
    return _render("said", kind="said", words=words)


def error_card(error: Exception | str) -> str:
    words = without_paths(error) if isinstance(error, str) else plain_words(error)
    return _render("said", kind="error", words=words)


def player(desk: Desk, *, busy: bool) -> str:
    """The film. While answers are made (`busy`), what is known of them; while the film is drawn, the frame on
    which most is to be seen; before anything was asked, the clip."""
    work = desk.work
    if work is None:
        return nothing(NO_FILM)
    address, answers, glimpse = work_address(desk, work), work.answers, work.glimpse
    if busy and glimpse is not None:
        return _render("player", film=None, still=f"{address}still-{glimpse.number}.jpg", words=glimpse.words)
    if answers is None:
        return _render("player", film=f"{address}clip", still=f"{address}0.jpg")
    film = None if work.film is None else file_address(desk, work, work.film)
    still = f"{address}still-{answers.number}.jpg"
    return _render("player", film=film, still=still, words="The overlay is being drawn …")


def nothing(words: str) -> str:
    """In the place of something that is yet to come."""
    return _render("nothing", words=words)


def download(address: str, path: Path) -> str:
    return _render("download", address=address, name=path.name, megabytes=path.stat().st_size / 1e6)


def presets_card(lacking: Sequence[tuple[str, str, Sequence[str]]]) -> str:
    """Presets that cannot run here: name, what it is, what it lacks."""
    rows = [(name, about, [lack_words(lack) for lack in lacks]) for name, about, lacks in lacking]
    return _render("presets", presets=rows)


def speak_button(lacks: Sequence[str]) -> str:
    """For a sentence by the microphone, where nothing lacks that is needed to hear it."""
    return _render("speech", lack="; ".join(map(lack_words, lacks)))


def page_file(name: str) -> str:
    """A script, style or fixed piece of the page."""
    return (resources.files("refervid.webui") / "assets" / name).read_text("utf-8")


def page_script(*names: str) -> str:
    """Parts of one script, in order."""
    return "\n".join(map(page_file, names))


def _placed(view: QueryView) -> list[tuple[int, Any]]:
    """Decisions in the order of the page, each with its place in the result."""
    places = {id(decision): place for place, decision in enumerate(view.result.decisions)}
    return [(places[id(one.decision)], one) for one in view.decisions]


def _render(name: str, /, **values: Any) -> str:
    return template(f"{name}.html.j2", ("refervid.webui", "assets")).render(**values)

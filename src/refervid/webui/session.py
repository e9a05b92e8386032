"""One visitor's work: a clip, what was asked of it, the answers with their corrections, and the export."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np

from refervid.config.environment import Environment
from refervid.core.errors import MediaNotFound, SettingsError
from refervid.core.files import atomic_file, slug, storing_in, write_text
from refervid.core.types import (
    Frame,
    Hook,
    MarkReference,
    Pivot,
    Reference,
    SoundReference,
    TextReference,
    no_hook,
)
from refervid.datasets.demo import write_demo
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.media.overlay import write_overlay
from refervid.pipelines.base import Pipeline, reference_slugs
from refervid.pipelines.correct import candidate_pivot
from refervid.pipelines.track import track_with
from refervid.report.result import Result
from refervid.report.save import save_results
from refervid.webui.limits import Limits
from refervid.webui.recipe import Step, python_words, shell_words

DEMO = "demo"


@dataclass(frozen=True)
class Answers:
    """The answers as they stood after one question or correction; `number` grows with each.

    `pipeline` gave them, and can correct them. `before` is what the last of the `steps` corrected.
    """

    number: int
    results: tuple[Result, ...]
    pipeline: Pipeline
    steps: tuple[Step, ...] = ()
    before: Answers | None = None

    @cached_property
    def best_frame(self) -> int:
        """Where most is to be seen: where most answers are present, and there the largest area."""
        areas = np.stack([result.areas for result in self.results])
        present = (areas > 0).sum(axis=0)
        return int(np.where(present == present.max(), areas.sum(axis=0), -1).argmax())


class Session:
    """Everything of one visitor lies in `folder`, and goes with `close`.

    `token` names the visitor in addresses. Methods that take a hook do long work.
    """

    def __init__(self, folder: Path, limits: Limits, pipelines: Callable[[str], Pipeline]) -> None:
        self.token = secrets.token_urlsafe(16)
        self.folder = folder
        self.limits = limits
        self.clip: Clip | None = None
        self.answers: Answers | None = None
        self.overlay: Path | None = None
        self.exported: Path | None = None
        self.clip_number = 0
        self._pipelines = pipelines
        self._numbers = count(1)
        self._shown: Clip | None = None
        folder.mkdir(parents=True)

    def open(self, path: Path, name: str) -> Clip:
        """Take the file at `path`, called `name` by the visitor, as the clip. The file is moved.

        The clip that was there before goes, with its answers and files. Raises `MediaError` of every kind;
        then all is as it was.
        """
        if not path.is_file():
            raise MediaNotFound(f"{name} is not there any more: upload it again")
        clips = self.folder / "clips"
        target = clips / secrets.token_hex(4) / f"{slug(Path(name).stem)}{_suffix(name)}"
        target.parent.mkdir(parents=True)
        shutil.move(path, target)
        try:
            self.limits.check_file(target)
            clip = open_clip(target, max_pixels=self.limits.pixels)
            self.limits.check_clip(clip)
            shown = open_clip(target, max_pixels=self.limits.pixels)
        except Exception:
            shutil.rmtree(target.parent)
            raise
        self._forget()
        self.clip, self._shown = clip, shown
        self.clip_number += 1
        for former in clips.iterdir():
            if former != target.parent:
                shutil.rmtree(former)
        return clip

    def open_demo(self, hook: Hook = no_hook) -> Clip:
        """The demo's clip, which is drawn once for all visitors."""
        drawn = demo_clip(hook)
        copy = self.folder / f"{DEMO}{drawn.suffix}"
        shutil.copyfile(drawn, copy)
        return self.open(copy, copy.name)

    def look_ahead(self, hook: Hook = no_hook) -> None:
        """Do now what the first question about the clip will need."""
        self._pipelines("auto").look_ahead(self.present_clip(), hook)

    def ask(self, texts: Sequence[str], sound: bool, preset: str, hook: Hook = no_hook) -> None:
        """Answer the sentences, and what makes the sound; then draw the overlay."""
        wanted = [text.strip() for text in texts if text.strip()]
        self.limits.check_texts(wanted)
        references: list[Reference] = [TextReference(text) for text in dict.fromkeys(wanted)]
        if sound:
            references.append(SoundReference())
        if not references:
            raise SettingsError("Say what to look for: write a sentence, or tick “What makes the sound”")
        clip = self.present_clip()
        hook("prepare", None, 0, 1)
        pipeline = self._pipelines(preset)
        hook("prepare", None, 1, 1)
        results = pipeline.run(clip, references, hook)
        self._answer(Answers(next(self._numbers), tuple(results), pipeline), hook)

    def point(self, mark: Pivot, preset: str, hook: Hook = no_hook) -> None:
        """Track what is marked, without a sentence, and put it beside the answers that there are."""
        clip, answers = self.present_clip(), self.answers
        former = answers.results if answers else ()
        if len(former) >= self.limits.answers:
            raise SettingsError(f"{len(former)} answers side by side are enough: ask anew")
        hook("prepare", None, 0, 1)
        pipeline = answers.pipeline if answers else self._pipelines(preset)
        hook("prepare", None, 1, 1)
        name = f"object {sum(isinstance(one.reference, MarkReference) for one in former) + 1}"
        [result] = track_with(pipeline.tracker, clip, {name: [mark]}, pipeline.preset, hook)
        slug = reference_slugs([one.reference for one in (*former, result)])[-1]
        results = (*former, replace(result, slug=slug))
        steps = (*(answers.steps if answers else ()), Step(len(former), mark, name=name))
        self._answer(Answers(next(self._numbers), results, pipeline, steps, before=answers), hook)

    def correct(self, query: int, mark: Pivot, *, afresh: bool = False, hook: Hook = no_hook) -> None:
        """Track what answers `query` (from 0) anew from `mark`; see `Pipeline.correct`."""
        self._step(Step(query, mark, afresh=afresh), hook)

    def take_candidate(self, query: int, decision: int, number: int, hook: Hook = no_hook) -> None:
        """Take candidate `number` (from 1) of decision `decision` (from 0) in place of what was chosen."""
        decisions = self._result(query).decisions
        if not 0 <= decision < len(decisions):
            raise SettingsError(f"decision {decision}: there are {len(decisions)}")
        mark = candidate_pivot(decisions[decision], number)
        self._step(Step(query, mark, afresh=True, candidate=(decision, number)), hook)

    def undo(self, hook: Hook = no_hook) -> None:
        """Go back to before the last correction."""
        if self.answers is None or self.answers.before is None:
            raise SettingsError("There is no correction to take back")
        self._answer(replace(self.answers.before, number=next(self._numbers)), hook)

    def export(self, formats: Sequence[str], hook: Hook = no_hook) -> Path:
        """Everything as one zip: masks, overlay, report, result.json, how it was made, and `formats`."""
        answers = self.present_answers()
        folder = self.folder / "export"
        shutil.rmtree(folder, ignore_errors=True)
        path = self.folder / f"{answers.results[0].clip.name}-refervid.zip"
        try:
            save_results(answers.results, folder, formats=formats, hook=hook)
            write_text(folder / "how.txt", f"{self.shell(formats)}\n\n{self.python(formats)}")
            with atomic_file(path) as part:
                _zip(folder, part, hook)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.exported = path
        return path

    def shell(self, formats: Sequence[str] = ()) -> str:
        """The command line that gives the same answers."""
        return shell_words(self.present_answers().results, self.present_answers().steps, formats)

    def python(self, formats: Sequence[str] = ()) -> str:
        """The Python that gives the same answers, corrections and all."""
        return python_words(self.present_answers().results, self.present_answers().steps, formats)

    def frame(self, index: int) -> Frame:
        """A frame to look at, while work on the clip may go on. Raises `IndexError`."""
        self.present_clip()
        assert self._shown is not None
        return self._shown.frame(index)

    def present_clip(self) -> Clip:
        """Raises `SettingsError` if there is none."""
        if self.clip is None:
            raise SettingsError("Choose a clip first: upload one, or take the demo clip")
        return self.clip

    def present_answers(self) -> Answers:
        """Raises `SettingsError` if nothing was asked yet."""
        if self.answers is None:
            raise SettingsError("There is no answer yet: ask something first")
        return self.answers

    def close(self) -> None:
        """Forget everything, and delete the visitor's files."""
        self._forget()
        self.clip = self._shown = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _result(self, query: int) -> Result:
        results = self.present_answers().results
        if not 0 <= query < len(results):
            raise SettingsError(f"answer {query}: there are {len(results)}")
        return results[query]

    def _step(self, step: Step, hook: Hook) -> None:
        answers, result = self.present_answers(), self._result(step.query)
        results = list(answers.results)
        results[step.query] = answers.pipeline.correct(result, step.mark, afresh=step.afresh, hook=hook)
        steps = (*answers.steps, step)
        number = next(self._numbers)
        self._answer(Answers(number, tuple(results), answers.pipeline, steps, before=answers), hook)

    def _answer(self, answers: Answers, hook: Hook) -> None:
        """Show `answers` while their film is drawn; without a film the former ones are there again."""
        former, film, results = self.answers, self.overlay, answers.results
        self.answers, self.overlay = answers, None
        path = self.folder / f"overlay-{answers.number}.mp4"
        try:
            write_overlay(
                path, results[0].clip, [one.track for one in results], [one.label for one in results], hook
            )
        except BaseException:
            self.answers, self.overlay = former, film
            raise
        old = film, self.exported
        self.overlay, self.exported = path, None
        _delete(*old)

    def _forget(self) -> None:
        old = self.overlay, self.exported
        self.answers = self.overlay = self.exported = None
        _delete(*old)


def demo_clip(hook: Hook = no_hook) -> Path:
    """The demo's clip in the cache; drawn if it is not there yet."""
    path = Environment().cache / "demo" / f"{DEMO}-1.mp4"
    if not path.exists():
        with storing_in(path.parent, "REFERVID_CACHE"):
            write_demo(path, hook)
    return path


def _delete(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            path.unlink(missing_ok=True)


def _suffix(name: str) -> str:
    """A suffix that can do no harm in a file name."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""


def _zip(folder: Path, path: Path, hook: Hook) -> None:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for done, file in enumerate(files, 1):
            archive.write(file, file.relative_to(folder))
            hook("pack", None, done, len(files))

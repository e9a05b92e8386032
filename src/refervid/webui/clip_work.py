"""The work on one clip: a session on the disk, its answers as they are shown, their film, the last export."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.files import atomic_file, write_text
from refervid.core.track import Underway
from refervid.core.types import Frame, Hook, Mask, Pivot, no_hook
from refervid.media.clip import Clip
from refervid.media.overlay import write_overlay
from refervid.pipelines.base import Pipeline
from refervid.pipelines.correct import candidate_pivot, nearest_object
from refervid.pipelines.first_look import parts_to_look_at
from refervid.pipelines.marks import check_marks
from refervid.pipelines.session.session import Session
from refervid.report.result import Result
from refervid.report.save import save_results
from refervid.webui.limits import Limits
from refervid.webui.marks import Mark
from refervid.webui.recipe import Step, added, asked, corrected, python_words, shell_words

GLIMPSE_S = 0.3
"""So often the masks that are being made are looked at, in seconds."""

TRACKING = "Tracking …"
FIRST_LOOK = "A guess from the first look: the rest of the clip is still being looked at …"
"""What a glimpse shows."""


@dataclass(frozen=True)
class Answers:
    """The answers as they stood after one edit, in the order in which they came; `number` grows with each.

    For each result: its key stays the same through every edit, its owner is the id of its answer (None: it
    was only pointed at), and it is unfinished while frames are left to be done.
    """

    number: int
    keys: tuple[str, ...]
    results: tuple[Result, ...]
    owners: tuple[int | None, ...]
    unfinished: tuple[bool, ...]

    @cached_property
    def best_frame(self) -> int:
        """Where most is to be seen: where most answers are present, and there the largest area."""
        areas = np.stack([result.areas for result in self.results])
        present = (areas > 0).sum(axis=0)
        return int(np.where(present == present.max(), areas.sum(axis=0), -1).argmax())


@dataclass(frozen=True)
class Glimpse:
    """What is known of answers that are being made: `masks` (H, W) on frame `frame`, what they are in
    `words`, and a label for each, or none. `number` grows with each glimpse."""

    number: int
    frame: int
    masks: tuple[Mask, ...]
    words: str
    labels: tuple[str, ...] = ()


class ClipWork:
    """Everything on one clip lies in `folder`, and goes with `close`; `number` is the clip's, and `file_name`
    what the visitor calls its file.

    Every method that changes something is one edit of a session. `answers` are None as long as there are
    none. Methods that take a hook do long work; what stops on the way keeps the frames that were done.
    """

    def __init__(
        self,
        number: int,
        folder: Path,
        clip: Clip,
        shown: Clip,
        file_name: str,
        limits: Limits,
        pipelines: Callable[[str], Pipeline],
    ) -> None:
        self.number, self.folder, self.clip = number, folder, clip
        self.answers: Answers | None = None
        self.glimpse: Glimpse | None = None
        self.film: Path | None = None
        self.exported: Path | None = None
        self._file_name = file_name
        self._shown, self._limits, self._pipelines = shown, limits, pipelines
        self._parts = parts_to_look_at(clip)
        self._session: Session | None = None
        self._steps: list[Step] = []
        self._order: list[str] = []
        self._numbers = count(1)

    @property
    def name(self) -> str:
        return self.clip.name

    @property
    def steps(self) -> list[Step]:
        """What was done and not taken back, an entry for each edit."""
        return self._steps[: len(self._session.edits)] if self._session else []

    @property
    def can_undo(self) -> bool:
        return bool(self._session and self._session.edits)

    @property
    def can_redo(self) -> bool:
        return bool(self._session and self._session.undone)

    def look_ahead(self, hook: Hook = no_hook) -> None:
        """Gather now what the answer to the first question will need of the clip, and before that what a
        first look will: whoever asks meanwhile waits for it, as nothing is reported.
        """
        pipeline = self._pipelines("auto")
        for part in self._parts[:1]:
            pipeline.look_ahead(part)
        pipeline.look_ahead(self.clip, hook)
        self._parts = []

    def first_look(self, texts: Sequence[str], preset: str, hook: Hook = no_hook) -> None:
        """Have something to look at soon, where the clip is not known yet: a glimpse of what the answers may
        be."""
        wanted = self._wanted(texts)
        if not wanted:
            return
        look = self._pipelines(preset).first_look(self._parts, wanted, hook)
        if look is not None:
            labels = tuple(f"{text} ?" for text in wanted)
            self.glimpse = Glimpse(next(self._numbers), look.frame, look.masks, FIRST_LOOK, labels)

    def ask(self, texts: Sequence[str], sound: bool, preset: str, hook: Hook = no_hook) -> None:
        """Answer the sentences, and what makes the sound, beside what is there; those that the preset has
        answered already stay as they are."""
        wanted = self._wanted(texts)
        if not wanted and not sound:
            raise SettingsError("Say what to look for: write a sentence, or tick “What makes the sound”")
        session = self._session_with(preset, hook)
        results = self.answers.results if self.answers else ()
        known = {one.query for one in results if one.preset == session.pipeline.preset}
        new = [text for text in wanted if text not in known]
        sound = sound and "sound" not in known
        if not new and not sound:
            raise SettingsError("That is answered already: ask for something else, or in another way")
        self._check_room(len(new) + sound)
        step = asked(session.pipeline.preset, new, sound)
        self._edit(session, step, lambda hook: session.ask(new, sound=sound, hook=hook), hook)
        self._parts = []

    def mark(self, given: Mark, preset: str, hook: Hook = no_hook) -> None:
        """Correct an answer by a mark, or track what it shows as something new."""
        pivot = given.pivot(self.clip)
        if given.query is None:
            self._check_room(1)
            self._add(pivot, "", None, preset, hook)
        else:
            self._correct(given.query, pivot, preset, hook, afresh=given.afresh)

    def take_candidate(
        self, query: int, decision: int, number: int, preset: str, hook: Hook = no_hook
    ) -> None:
        """Take candidate `number` (from 1) of decision `decision` (from 0) in place of what was chosen."""
        decisions = self._result(query).decisions
        if not 0 <= decision < len(decisions):
            raise SettingsError(f"decision {decision}: there are {len(decisions)}")
        pivot = candidate_pivot(decisions[decision], number)
        self._correct(query, pivot, preset, hook, afresh=True)

    def delete(self, query: int) -> None:
        """An answer goes, with its objects."""
        owner, session = self._owner(query), self._present_session()
        if owner is not None:
            step = Step(session.pipeline.preset, f"session.withdraw({owner})")
            self._edit(session, step, lambda _: session.withdraw(owner))
        else:
            number = self._result(query).objects[0].id
            step = Step(session.pipeline.preset, f"session.forget({number})")
            self._edit(session, step, lambda _: session.forget(number))

    def rename(self, query: int, name: str) -> None:
        """Call what was pointed at by another name. Raises `SettingsError` for the answer to a sentence."""
        if self._owner(query) is not None:
            raise SettingsError("An answer is called what you asked for: only what you pointed at has a name")
        self._limits.check_texts([name])
        session, number = self._present_session(), self._result(query).objects[0].id
        step = Step(session.pipeline.preset, f"session.rename({number}, {name.strip()!r})")
        self._edit(session, step, lambda _: session.rename(number, name))

    def go_on(self, preset: str, hook: Hook = no_hook) -> None:
        """Do the frames that are left of work that was stopped."""
        session = self._session_with(preset, hook)
        self._edit(session, Step(session.pipeline.preset, "session.go_on()"), session.go_on, hook)

    def undo(self) -> None:
        """Go back to before the last edit. Raises `SettingsError`."""
        self._present_session().undo()
        self._show()

    def redo(self) -> None:
        """Make the edit again that was taken back last. Raises `SettingsError`."""
        self._present_session().redo()
        self._show()

    def draw_film(self, hook: Hook = no_hook) -> None:
        """The film of the answers as they are, if there is none."""
        answers = self.answers
        if answers is None or self.film is not None:
            return
        path = self.folder / f"overlay-{answers.number}.mp4"
        tracks, labels = [one.track for one in answers.results], [one.label for one in answers.results]
        write_overlay(path, self.clip, tracks, labels, hook)
        self.film = path

    def export(self, formats: Sequence[str], hook: Hook = no_hook) -> Path:
        """Everything as one zip: masks, overlay, report, result.json, how it was made, and `formats`."""
        folder = self.folder / "export"
        shutil.rmtree(folder, ignore_errors=True)
        path = self.folder / f"{self.name}-refervid.zip"
        try:
            save_results(self.present_answers().results, folder, formats=formats, hook=hook)
            write_text(folder / "how.txt", f"{self.shell(formats)}\n\n{self.python(formats)}")
            with atomic_file(path) as part:
                _zip(folder, part, hook)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.exported = path
        return path

    def shell(self, formats: Sequence[str] = ()) -> str:
        """The command line that gives the same answers."""
        self.present_answers()
        return shell_words(self._file_name, self.steps, formats)

    def python(self, formats: Sequence[str] = ()) -> str:
        """The Python that gives the same answers, corrections and all."""
        self.present_answers()
        return python_words(self._file_name, self.steps, formats)

    def frame(self, index: int) -> Frame:
        """A frame to look at, while work on the clip may go on. Raises `IndexError`."""
        return self._shown.frame(index)

    def marked_frames(self, query: int) -> list[int]:
        """The frames on which a person pointed at an answer's objects."""
        own = {one.id for one in self._result(query).objects}
        return sorted({step.mark.frame_index for step in self.steps if step.mark and step.object in own})

    def present_answers(self) -> Answers:
        """Raises `SettingsError` if nothing was asked yet."""
        if self.answers is None:
            raise SettingsError("There is no answer yet: ask something first")
        return self.answers

    def close(self) -> None:
        """Forget everything, and delete the files."""
        self.answers = self.glimpse = self.film = self.exported = None
        if self._session is not None:
            self._session.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wanted(self, texts: Sequence[str]) -> list[str]:
        """The sentences, each once. Raises `SettingsError` where they are too many or too long."""
        wanted = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
        self._limits.check_texts(wanted)
        return wanted

    def _session_with(self, preset: str, hook: Hook) -> Session:
        hook("prepare", None, 0, 1)
        pipeline = self._pipelines(preset)
        hook("prepare", None, 1, 1)
        if self._session is None:
            self._session = Session(self.clip, self.folder / "session", pipeline)
        self._session.pipeline = pipeline
        return self._session

    def _present_session(self) -> Session:
        if self._session is None:
            raise SettingsError("There is nothing to take back")
        return self._session

    def _result(self, query: int) -> Result:
        results = self.present_answers().results
        if not 0 <= query < len(results):
            raise SettingsError(f"answer {query}: there are {len(results)}")
        return results[query]

    def _owner(self, query: int) -> int | None:
        self._result(query)
        return self.present_answers().owners[query]

    def _check_room(self, more: int) -> None:
        present = len(self.answers.results) if self.answers else 0
        if present + more > self._limits.answers:
            raise SettingsError(f"{present} answers side by side are enough: delete some, and ask anew")

    def _add(self, pivot: Pivot, name: str, owner: int | None, preset: str, hook: Hook) -> None:
        session = self._session_with(preset, hook)
        step = added(session.pipeline.preset, pivot, name, owner)
        self._edit(session, step, lambda hook: session.add(pivot, name, answer=owner, hook=hook), hook)

    def _correct(self, query: int, pivot: Pivot, preset: str, hook: Hook, *, afresh: bool) -> None:
        result, owner = self._result(query), self._owner(query)
        check_marks(self.clip, {result.query: [pivot]})
        if not result.objects:
            self._add(pivot, result.query, owner, preset, hook)
            return
        session = self._session_with(preset, hook)
        number = result.objects[nearest_object(result.objects, pivot)].id
        step = corrected(session.pipeline.preset, number, pivot, afresh)
        self._edit(session, step, lambda hook: session.correct(number, pivot, afresh=afresh, hook=hook), hook)

    def _edit(
        self, session: Session, step: Step, work: Callable[[Hook], object], hook: Hook = no_hook
    ) -> None:
        """Whatever `work` made of the session is shown, also where it was stopped on the way."""
        edits, objects = len(session.edits), session.objects
        try:
            work(self._watched(hook))
        finally:
            self.glimpse = None
            more = len(session.edits) - edits
            if more:
                new = [number for number in session.objects if number not in objects]
                if step.mark is not None and new:
                    step = replace(step, object=new[0], name=session.objects[new[0]].name)
                self._steps[edits:] = [step] * more
                self._show()

    def _watched(self, hook: Hook) -> Hook:
        """The hook, with a glimpse now and then of the masks that are being made."""
        last, done = 0.0, np.zeros(len(self.clip), bool)

        def watch(stage: str, artefact: object, completed: int, total: int) -> None:
            nonlocal last, done
            if isinstance(artefact, Underway) and time.monotonic() - last > GLIMPSE_S:
                written = np.logical_or.reduce([track.written for track in artefact.tracks])
                fresh = np.flatnonzero(written & ~done)
                if len(fresh):
                    last, done = time.monotonic(), written
                    frame = int(fresh[-1])
                    masks = tuple(track[frame] for track in artefact.tracks)
                    self.glimpse = Glimpse(next(self._numbers), frame, masks, TRACKING)
            hook(stage, artefact, completed, total)

        return watch

    def _show(self) -> None:
        """The session as it is now."""
        session = self._present_session()
        results, objects, answers = session.results(), session.objects, session.answers
        owners = [*answers, *[None] * (len(results) - len(answers))]
        there = {_key(*pair): pair for pair in zip(results, owners, strict=True)}
        self._order += [key for key in there if key not in self._order]
        keys = tuple(key for key in self._order if key in there)
        old = self.film, self.exported
        self.film = self.exported = self.answers = None
        if keys:
            shown, owned = zip(*(there[key] for key in keys), strict=True)
            unfinished = tuple(any(objects[one.id].unfinished for one in result.objects) for result in shown)
            self.answers = Answers(next(self._numbers), keys, shown, owned, unfinished)
        for path in old:
            if path is not None:
                path.unlink(missing_ok=True)


def _key(result: Result, owner: int | None) -> str:
    """What an answer is known by, whatever is done to it."""
    return f"object {result.objects[0].id}" if owner is None else f"answer {owner}"


def _zip(folder: Path, path: Path, hook: Hook) -> None:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for done, file in enumerate(files, 1):
            archive.write(file, file.relative_to(folder))
            hook("pack", None, done, len(files))

"""Work on one clip that is never lost: every edit is on the disk when it returns, and can be taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Self, Unpack, get_args

from refervid.core.arguments import need_path
from refervid.core.errors import BadResult, SettingsError
from refervid.core.files import well_formed
from refervid.core.outputs import output_lock, refuse_inputs, writing_to
from refervid.core.track import Track, Underway
from refervid.core.types import Hook, Pivot, Reference, SoundReference, TextReference, no_hook, words_of
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.pipelines.base import Pipeline, Video, sentences
from refervid.pipelines.correct import correct_object, with_mark, with_start
from refervid.pipelines.marks import check_frame, check_marks, tidy_name
from refervid.pipelines.presets import load
from refervid.pipelines.segment import LoadOptions
from refervid.pipelines.session.files import AnswerFile, Files, ObjectFile
from refervid.pipelines.session.identity import JOURNAL, journal_of
from refervid.pipelines.session.parts import finish, merged, part_of, unfinished_runs, without_end
from refervid.pipelines.session.results import answer_result, numbered, object_result, with_slugs
from refervid.pipelines.session.state import REDO, UNDO, Edit, Review, SessionAnswer, SessionObject, State
from refervid.report.objects import TrackedObject
from refervid.report.result import Result
from refervid.report.save import save_results

KEPT_S = 60.0
"""How often unfinished work is put on the disk, in seconds."""


def open_session(video: Video, folder: str | Path, **options: Unpack[LoadOptions]) -> Session:
    """Begin work on a clip in `folder`, or go on with what lies there.

        with refervid.open_session("clip.mp4", "work") as session:
            cup = session.add(refervid.Pivot(0, box_xyxy=np.array([30, 20, 50, 40])), "cup")
            session.save("out")

    Options are those of `load`. Raises what `load`, `open_clip` and `Session` do.

    >>> with refervid.open_session(clip, out / "work", device="cpu") as session:
    ...     session.clip.name == clip.name
    True
    """
    return Session(video if isinstance(video, Clip) else open_clip(video), folder, load(**options))


class Session:
    """Objects of one clip, with ids and names that last, and the answers they belong to.

    Every method that changes something is one edit, which is on the disk when it returns: after a kill all
    of them are there but the one that was under way. Of that, the frames that were tracked are kept where an
    exception (Ctrl-C, a hook that raises) ends it, and up to a minute's worth less after a kill; `go_on`
    does the rest. An edit computes what it touches and nothing else: the other objects keep their `digest`.
    `pipeline` answers and tracks, and may be replaced by another at any time. Frames count from 0.

    One process at a time works in a folder. It holds `edits.jsonl`, `objects/` and `answers/`, of which
    only files that this session made are ever removed. Raises as `output_lock`; `OutputConflict` for a folder
    with other files of these names, `SettingsError` for the session of another clip, `BadResult` for one
    that was damaged.

    >>> with refervid.open_session(clip, out / "session", device="cpu") as session:
    ...     disc = session.add(refervid.Pivot(0, box_xyxy=np.array([13, 53, 43, 83])), "disc")
    ...     len(session.objects)
    1
    """

    def __init__(self, clip: Clip, folder: str | Path, pipeline: Pipeline) -> None:
        self.clip = clip
        self.folder = need_path("folder", folder)
        self.pipeline = pipeline
        inputs = [clip.source, *([] if clip.sound is None else [clip.sound.path])]
        refuse_inputs(self.folder, [JOURNAL, "objects/any", "answers/any"], inputs)
        with ExitStack() as stack:
            place = stack.enter_context(output_lock(self.folder))
            self._files = Files(self.folder, place)
            self._journal = journal_of(clip, self.folder, place)
            self._state = State(self._journal.lines[1:])
            self._held = stack.pop_all()
        self._read = lru_cache(maxsize=8)(self._read_anew)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process work in the folder."""
        self._held.close()

    @property
    def objects(self) -> dict[int, SessionObject]:
        """By id; `session[id]` has the masks."""
        return self._state.objects

    @property
    def answers(self) -> dict[int, SessionAnswer]:
        """By id."""
        return self._state.answers

    def __getitem__(self, number: int) -> TrackedObject:
        """The object with this id. Raises `SettingsError` where there is none, `BadResult`."""
        one = self._state.object(number)
        return self._read(number, one.name, one.digest)

    @property
    def edits(self) -> list[str]:
        """What was done, in words, without what was taken back."""
        return [edit.what for edit in self._state.done]

    @property
    def undone(self) -> list[str]:
        """What was taken back and can be made again, the next one last."""
        return [edit.what for edit in self._state.undone]

    def add(
        self,
        marks: Pivot | Sequence[Pivot],
        name: str = "",
        *,
        answer: int | None = None,
        hook: Hook = no_hook,
    ) -> int:
        """Track what is marked, on one frame or several, as a new object, which may belong to an answer.

        Returns its id. Raises `SettingsError` for marks that do not fit the clip.
        """
        number = self._state.new_object()
        name = tidy_name(name) or f"object {number}"
        pivots = (marks,) if isinstance(marks, Pivot) else marks
        check_marks(self.clip, {name: pivots})
        answers = {} if answer is None else {answer: self._joined(answer, number)}

        def shape(track: Track) -> TrackedObject:
            return TrackedObject(number, tuple(pivots), track, name)

        def work(hook: Hook) -> TrackedObject:
            [track] = self.pipeline.tracker.track(self.clip, [pivots], hook)
            return shape(track)

        self._track(f"add {name}", shape, work, answers, hook)
        return number

    def correct(self, number: int, mark: Pivot, *, afresh: bool = False, hook: Hook = no_hook) -> None:
        """Track an object anew from `mark`, both ways as far as its neighbouring marks.

        Points alone correct the mask that it has on the mark's frame, a box or a mask replaces it. With
        `afresh` all that was tracked is forgotten.
        """
        one = replace(self[number], pivots=()) if afresh else with_start(self[number])
        check_marks(self.clip, {one.name: [mark]})

        def shape(track: Track) -> TrackedObject:
            return with_mark(one, mark, track)

        def work(hook: Hook) -> TrackedObject:
            if afresh:
                return shape(self.pipeline.tracker.track(self.clip, [[mark]], hook)[0])
            return correct_object(self.pipeline.tracker, self.clip, one, mark, hook)

        self._track(f"correct {one.name}", shape, work, self._state.by_hand(number), hook)

    def go_on(self, hook: Hook = no_hook) -> None:
        """Do the frames that are left of work that was stopped; those that were done stay as they are."""
        for number in [number for number, one in self.objects.items() if one.unfinished]:
            for run in unfinished_runs(self[number].whole):
                self._finish(self[number], run, hook)

    def split(self, number: int, frame: int, name: str = "") -> int:
        """What an object is from `frame` on becomes another one, whose id is returned.

        Nothing is computed. Raises `SettingsError` where one of both would have no mask.
        """
        one, new = self[number], self._state.new_object()
        check_frame(self.clip, one.name, frame)
        first, second = part_of(one, range(frame)), part_of(one, range(frame, len(self.clip)))
        second = replace(second, id=new, name=tidy_name(name) or f"object {new}")
        self._write(f"split {one.name}", [first, second], self._state.by_hand(number))
        return new

    def merge(self, number: int, other: int) -> None:
        """Two objects are one: the first keeps its id and name, and gets the masks of both; the other goes.

        Nothing is computed. On the frames of their marks the merged mask holds from now on.
        """
        one, two = self[number], self[other]
        if number == other:
            raise SettingsError(f"object {number} cannot be merged with itself: name two")
        answers = self._state.by_hand(number, other)
        for key, answer in answers.items():
            kept = dict.fromkeys(number if each == other else each for each in answer.objects)
            answers[key] = answer.model_copy(update={"objects": tuple(kept)})
        self._write(f"merge {one.name} with {two.name}", [merged(one, two)], answers, gone=[other])

    def rename(self, number: int, name: str) -> None:
        """Call an object by another name. Raises `SettingsError` for one without a letter."""
        one, name = self._state.object(number), tidy_name(name)
        if not name:
            raise SettingsError("an object's name is empty: give it a word")
        renamed = one.model_copy(update={"name": name})
        self._append(Edit(what=f"rename {one.name} to {name}", objects={number: renamed}))

    def forget(self, number: int, frame: int = 0) -> None:
        """An object is not there from `frame` on, marks and masks; from 0 on, it goes altogether."""
        name, answers = self._state.object(number).name, self._state.by_hand(number)
        check_frame(self.clip, name, frame)
        if frame == 0:
            self._write(f"forget {name}", [], answers, gone=[number])
        else:
            self._write(f"forget {name} later on", [without_end(self[number], frame)], answers)

    def ask(self, text: str | Sequence[str] = (), *, sound: bool = False, hook: Hook = no_hook) -> list[int]:
        """Answer sentences, and what makes the sound: the ids of the answers, whose objects are added.

        Raises `SettingsError` where nothing is asked, and whatever the pipeline does.
        """
        references: list[Reference] = [TextReference(well_formed(one)) for one in sentences(text)]
        references += [SoundReference()] if sound else []
        if not references or not all(words_of(one).strip() for one in references):
            raise SettingsError("nothing to look for: give a text, sound=True, or both")
        results = self.pipeline.run(self.clip, references, hook)
        plan = self.pipeline.plan()
        objects: list[TrackedObject] = []
        answers = {}
        for key, result in enumerate(results, self._state.new_answer()):
            own = numbered(result, self._state.new_object() + len(objects))
            objects += own
            answers[key] = SessionAnswer(
                words=result.query,
                kind="sound" if isinstance(result.reference, SoundReference) else "text",
                digest=self._files.write("answers", AnswerFile.of(result, plan)),
                objects=tuple(one.id for one in own),
            )
        for one in objects:  # a pipeline that answers has come to all frames
            one.whole.written[:] = True
        self._write(f"ask {', '.join(map(words_of, references))}", objects, answers)
        return list(answers)

    def review(self, answer: int, verdict: Review) -> None:
        """Say what you think of an answer; a data set is made of those that are accepted."""
        if verdict not in get_args(Review):
            raise SettingsError(f"verdict {verdict!r:.60}: choose one of {', '.join(get_args(Review))}")
        said = self._state.answer(answer).model_copy(update={"review": verdict})
        self._append(Edit(what=f"{verdict}: {said.words}", answers={answer: said}))

    def withdraw(self, answer: int) -> None:
        """An answer goes, with its objects."""
        given = self._state.answer(answer)
        what, gone = f"withdraw {given.words}", dict.fromkeys(given.objects)
        self._append(Edit(what=what, objects=gone, answers={answer: None}))

    def undo(self) -> None:
        """Take the last edit back. Raises `SettingsError` where there is none."""
        if not self._state.done:
            raise SettingsError("there is nothing to undo")
        self._append(Edit(what=UNDO))

    def redo(self) -> None:
        """Make again what was taken back last. Raises `SettingsError` where nothing was."""
        if not self._state.undone:
            raise SettingsError("there is nothing to redo")
        self._append(Edit(what=REDO))

    def results(self) -> list[Result]:
        """The answers, then the objects that belong to none, as results to look at and to save.

        An answer that a person changed or accepted is sure. Raises `BadResult`.
        """
        answers = self.answers
        taken = {number for answer in answers.values() for number in answer.objects}
        results = [self.result(number) for number in answers]
        loose = [number for number in self.objects if number not in taken]
        results += [object_result(self.clip, self[number], self.pipeline.preset) for number in loose]
        return with_slugs(results)

    def result(self, answer: int) -> Result:
        """That of one answer."""
        stored, present = self.found(answer), self._state.answer(answer)
        sure = present.by_hand or present.review == "accepted"
        return answer_result(self.clip, stored, [self[number] for number in present.objects], sure=sure)

    def found(self, answer: int) -> AnswerFile:
        """What was found out for an answer when it was asked, and under which settings."""
        return self._files.read("answers", self._state.answer(answer).digest, AnswerFile)

    def save(self, folder: str | Path, formats: Sequence[str] = (), hook: Hook = no_hook) -> Path:
        """Write the results under another `folder`; see `save_results`."""
        results = self.results()
        if not results:
            raise SettingsError("there is nothing to save: add an object, or ask for something")
        return save_results(results, folder, formats=formats, hook=hook)

    def _finish(self, one: TrackedObject, run: range, hook: Hook) -> None:
        def shape(track: Track) -> TrackedObject:
            whole = one.whole.copy()
            whole.take(track, run)
            return replace(one, whole=whole)

        def work(hook: Hook) -> TrackedObject:
            return finish(self.pipeline.tracker, self.clip, one, run, hook)

        self._track(f"go on with {one.name}", shape, work, {}, hook)

    def _track(
        self,
        what: str,
        shape: Callable[[Track], TrackedObject],
        work: Callable[[Hook], TrackedObject],
        answers: Mapping[int, SessionAnswer],
        hook: Hook,
    ) -> None:
        """An edit that takes long: of what stops on the way, `shape` makes an object, and it is kept."""
        kept = False
        latest: Track | None = None
        last = time.monotonic()

        def keep(one: TrackedObject) -> None:
            nonlocal kept, last
            self._write(what, [one], answers, goes_on=kept)
            kept, last = True, time.monotonic()

        def keep_what_is_done() -> None:
            if latest is not None and latest.written.any():
                keep(shape(latest.copy()))

        def watch(stage: str, artefact: object, completed: int, total: int) -> None:
            nonlocal latest
            if isinstance(artefact, Underway):
                [latest] = artefact.tracks
                if time.monotonic() - last > KEPT_S:
                    keep_what_is_done()
            hook(stage, artefact, completed, total)

        try:
            one = work(watch)
        except BaseException:
            keep_what_is_done()
            raise
        keep(one)

    def _write(
        self,
        what: str,
        objects: Sequence[TrackedObject],
        answers: Mapping[int, SessionAnswer],
        *,
        gone: Sequence[int] = (),
        goes_on: bool = False,
    ) -> None:
        former = self._state.done[-1].objects if goes_on else {}
        changes: dict[int, SessionObject | None] = dict.fromkeys(gone)
        with writing_to(self.folder):
            for one in objects:
                changes[one.id] = SessionObject(
                    name=one.name,
                    digest=self._files.write("objects", ObjectFile.of(one)),
                    unfinished=not one.whole.written.all(),
                )
        self._append(Edit(what=what, goes_on=goes_on, objects=changes, answers=dict(answers)))
        for half_done in former.values():
            if half_done is not None and not self._state.holds(half_done.digest):
                self._files.remove("objects", half_done.digest)

    def _append(self, edit: Edit) -> None:
        with writing_to(self.folder):
            self._journal.append(edit.model_dump(mode="json"))
        self._state.take(edit)

    def _read_anew(self, number: int, name: str, digest: str) -> TrackedObject:
        file = self._files.read("objects", digest, ObjectFile)
        shape = len(file.masks), file.height, file.width
        if shape != (len(self.clip), self.clip.height, self.clip.width):
            raise BadResult(f"object {number} in {self.folder} is not of this clip")
        try:
            return file.tracked(number, name)
        except ValueError as error:
            raise BadResult(f"object {number} in {self.folder} cannot be read: {error}") from error

    def _joined(self, key: int, number: int) -> SessionAnswer:
        answer = self._state.answer(key)
        return answer.model_copy(update={"objects": (*answer.objects, number), "by_hand": True})

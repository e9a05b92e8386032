"""Make EDITS random edits in a session, kill the process KILLS times, make what survived in one go, report.

    python -m tests.pipelines.session.storm FOLDER EDITS KILLS

The processes that are killed are forked from this one, so that only it pays for imports and reads networks.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from refervid import Pivot, Session, load
from refervid.core.errors import SettingsError
from refervid.core.types import Hook, no_hook
from refervid.engines.lite.efficientnet import load_efficientnet
from refervid.pipelines.base import Pipeline
from refervid.pipelines.session.state import SessionObject
from tests.engines.made_clips import BLUE, GREEN, RED, Made, Thing, box_of, made_clip

COLOURS = [RED, BLUE, GREEN, (200, 200, 60), (180, 60, 180), (60, 180, 180)]
FRAMES = 6
EVENTS = 20
"""Reports and files of an edit, about."""
OBJECTS = 6

Op = tuple[str, dict[str, Any]]
"""What is done, and with what."""
New = tuple[Op, list[int]]
"""An edit with the ids of the objects that it brought."""
Objects = dict[int, SessionObject]


def six_things(folder: Path) -> Made:
    def thing(number: int) -> Thing:
        return Thing(
            COLOURS[number], lambda i: (25 + 33 * number, 30 + number % 2 * 70 + 2 * i), radii=(12, 10)
        )

    return made_clip(folder, [thing(number) for number in range(len(COLOURS))], FRAMES)


def choose(session: Session, index: int) -> Op:
    """Edit `index`: the same for the same session."""
    luck = random.Random(index)
    numbers = [*session.objects]
    target = {"thing": luck.randrange(len(COLOURS)), "frame": luck.randrange(FRAMES)}
    kind = luck.choice(("box", "mask", "points"))
    if len(numbers) < 2 or (len(numbers) < OBJECTS and luck.random() < 0.3):
        return "add", {**target, "kind": luck.choice(("box", "mask")), "name": f"thing {index}"}
    kinds = ["correct", "correct", "correct", "split", "merge", "rename", "forget", "late"]
    kinds += ["undo", "undo"] if session.edits else []
    kinds += ["redo", "redo"] if session.undone else []
    what = luck.choice(kinds)
    number, other = luck.sample(numbers, 2)
    details = {
        "correct": {"number": number, **target, "kind": kind},
        "split": {"number": number, "frame": luck.randrange(1, FRAMES), "name": f"part {index}"},
        "merge": {"number": number, "other": other},
        "rename": {"number": number, "name": f"name {index}"},
        "late": {"number": number, "frame": luck.randrange(1, FRAMES)},
        "forget": {"number": number},
    }
    return what, details.get(what, {})


def make(session: Session, made: Made, op: Op, hook: Hook = no_hook) -> list[int]:
    """Make an edit, or a rename where there is no mask to split or forget. Returns the ids it touched."""
    what, own = op
    before = session.objects
    try:
        match what:
            case "add":
                session.add(mark_of(made, own), own["name"], hook=hook)
            case "correct":
                session.correct(own["number"], mark_of(made, own), hook=hook)
            case "split":
                session.split(own["number"], own["frame"], own["name"])
            case "merge":
                session.merge(own["number"], own["other"])
            case "rename":
                session.rename(own["number"], own["name"])
            case "late":
                session.forget(own["number"], own["frame"])
            case "forget":
                session.forget(own["number"])
            case "undo":
                session.undo()
            case "redo":
                session.redo()
    except SettingsError:
        session.rename(own["number"], "as it was")
    after = session.objects
    return [number for number in {*before, *after} if before.get(number) != after.get(number)]


def mark_of(made: Made, own: dict[str, Any]) -> Pivot:
    mask = made.masks[own["thing"]][own["frame"]]
    box = box_of(mask)
    if own["kind"] == "box":
        return Pivot(own["frame"], box_xyxy=box)
    if own["kind"] == "mask":
        return Pivot(own["frame"], mask=mask)
    points = np.stack([(box[:2] + box[2:]) / 2, box[2:] + 6]).astype(np.float32)
    return Pivot(own["frame"], points_xy=points, point_labels=np.array([True, False]))


def disturbed(folder: Path, made: Made, pipeline: Pipeline, edits: int, hook: Hook) -> None:
    """Go on with the edits from wherever the session stands; each is written down before it is made."""
    with Session(made.clip, folder / "session", pipeline) as session:
        done = lines_of(folder / "session")
        for index in range(done, edits):
            op = choose(session, index)
            with (folder / "ops.jsonl").open("a") as file:
                file.write(json.dumps([index, op]) + "\n")
            make(session, made, op, hook)


def lines_of(folder: Path) -> int:
    journal = folder / "edits.jsonl"
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


def undisturbed(folder: Path, made: Made, pipeline: Pipeline, ops: list[Op]) -> tuple[Objects, list[New]]:
    """What all edits in one go come to, and those that hold in the end, with the ids that they brought.

    Raises AssertionError for an edit that touches more than it names.
    """
    held: list[New] = []
    back: list[New] = []
    with Session(made.clip, folder, pipeline) as session:
        for op in ops:
            before = {*session.objects}
            touched = make(session, made, op)
            new = sorted(session.objects.keys() - before)
            match op[0]:
                case "undo":
                    back.append(held.pop())
                case "redo":
                    held.append(back.pop())
                case _:
                    held.append((op, new))
                    back.clear()
                    assert {*touched} <= {op[1].get("number"), op[1].get("other"), *new}, op
        return session.objects, held


def surviving(folder: Path, made: Made, pipeline: Pipeline, held: list[New]) -> list[tuple[str, str]]:
    """Names and digests after the edits that hold, made in one go, as if those taken back had never been."""
    ids: dict[int, int] = {}
    with Session(made.clip, folder, pipeline) as session:
        for (what, own), new in held:
            before = {*session.objects}
            named = {key: ids[own[key]] for key in ("number", "other") if key in own}
            make(session, made, (what, {**own, **named}))
            ids |= dict(zip(new, sorted(session.objects.keys() - before), strict=True))
        return [(one.name, one.digest) for one in session.objects.values()]


def changed_files(folder: Path) -> list[str]:
    """Files that are not what they were when they were written."""
    files = [*(folder / "objects").iterdir()]
    return [file.name for file in files if hashlib.sha256(file.read_bytes()).hexdigest() != file.stem]


def _life(folder: Path, made: Made, pipeline: Pipeline, edits: int, doom: int) -> int:
    """How a process ended that goes on with the edits, and is killed at its report or file number `doom`."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    left = doom

    def event(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name in ("open", "os.rename", "os.remove", "os.mkdir") and str(folder) in str(arguments[0]):
            event()

    sys.addaudithook(audit)
    status = 1
    try:
        disturbed(folder, made, pipeline, edits, event)
        status = 0
    finally:
        os._exit(status)


def main(folder: Path, edits: int, kills: int) -> None:
    torch.set_num_threads(1)  # OpenMP waits in a forked process for threads that were not forked
    made, pipeline = six_things(folder / "frames"), load("lite", device="cpu")
    load_efficientnet()
    moments, killed = random.Random(edits), 0
    status = _life(folder, made, pipeline, edits, moments.randrange(EVENTS * edits // kills))
    while os.WIFSIGNALED(status):
        killed += 1
        doom = moments.randrange(EVENTS * edits // kills) if killed < kills else 0
        status = _life(folder, made, pipeline, edits, doom)
    assert os.waitstatus_to_exitcode(status) == 0
    ops = dict(json.loads(line) for line in (folder / "ops.jsonl").read_text().splitlines())
    with Session(made.clip, folder / "session", pipeline) as session:
        found = session.objects
    expected, held = undisturbed(
        folder / "undisturbed", made, pipeline, [ops[index] for index in range(edits)]
    )
    report = {
        "kills": killed,
        "edits": len(ops),
        "held": len(held),
        "objects": len(found),
        "same": found == expected,
        "same_in_one_go": surviving(folder / "one-go", made, pipeline, held)
        == [(one.name, one.digest) for one in found.values()],
        "changed_files": changed_files(folder / "session"),
        "left": [str(path) for path in (folder / "session").rglob("*.part*")],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

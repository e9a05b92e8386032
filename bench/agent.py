"""What each stage of preset `agent` loses with the embedded parts, beside `lite` alone.

The language model is a perfect eye, which knows the truth and keeps what is meant: what it cannot mend, the
tracks or the masks have lost. With --server a real model is asked instead.

    python bench/agent.py made --clips 40                     # made-up clips, whose truth is whole
    python bench/agent.py folder ROOT                         # DAVIS frames with masks and sentences
    python bench/agent.py pointing DEV.json CLIPS             # sentences with boxes on some frames

Rows: `true tracks` (truth in, truth out), `tracks` (the truth, from the first to the last sighting that the
finder has of what is meant), `masks` (what the tracker makes of those tracks), `lite` (rules in place of the
eye). Numbers are J&F; for `pointing` the share of sentences that are right on at least half of the annotated
frames: boxes with an IoU of one half, or nothing where nothing is. There `tracks` are the finder's own boxes.
With --only and -o clips are measured a few at a time, into one file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np

import refervid
from lite_thresholds import around
from refervid.core.boxes import box_iou
from refervid.core.track import Track
from refervid.core.types import BoxArray, Decision, Hook, Mask, no_hook
from refervid.datasets.registry import open_dataset
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.engines.rounds import (
    ConceptChoice,
    ConceptQuestion,
    Judgement,
    TracksChoice,
    TracksQuestion,
)
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard
from refervid.pipelines.base import Pipeline

SAME = 0.5
"""Mean overlap (IoU) of the boxes from which on a track is the thing."""
LITE = ("finder.kind=objects", "detector.kind=motion", "tracker.kind=embedded", "tagger.kind=energy")
FPS = 8.0
LEAST = 0.2
"""Where none reaches that, the track that overlaps most is the thing, if it does so much."""
Boxes = Mapping[int, BoxArray]
"""By frame the boxes (N, 4) of what is meant; N is 0 where nothing of it is in sight."""


@dataclass
class Case:
    """A clip, and by sentence the boxes of what is meant, with masks where they are known."""

    clip: Clip
    boxes: dict[str, Boxes] = field(default_factory=dict)
    masks: dict[str, Sequence[Mask]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    things: Sequence[Track] = ()


class PerfectEye:
    """A chooser that keeps the tracks of what is meant."""

    name, version = "perfect-eye", "1"

    def __init__(self) -> None:
        self.boxes: Mapping[str, Boxes] = {}

    def concepts(self, questions: Sequence[ConceptQuestion]) -> list[ConceptChoice]:
        return [ConceptChoice([one.text], [], Decision("concepts", one.text, "rules")) for one in questions]

    def judge_tracks(self, questions: Sequence[TracksQuestion]) -> list[TracksChoice]:
        choices = []
        for question in questions:
            meant = self.meant(question.text, question.tracks)
            said = {n.number: Judgement("keep" if n in meant else "drop") for n in question.tracks}
            choices.append(TracksChoice(said, Decision("round 1", str(len(meant)), "rules")))
        return choices

    def meant(self, text: str, tracks: Sequence[ObjectTrack]) -> list[ObjectTrack]:
        """Those that are a thing of it where they are seen: it may have been lost and found again."""
        overlaps = {track.number: self._overlap(self.boxes[text], track) for track in tracks}
        best = max(overlaps.values(), default=0.0)
        least = SAME if best >= SAME else max(best, LEAST)
        return [track for track in tracks if overlaps[track.number] >= least]

    def _overlap(self, boxes: Boxes, track: ObjectTrack) -> float:
        """Mean over the annotated frames on which the track is."""
        pairs = [(own, seen) for index, own in boxes.items() if (seen := track.box_at(index)) is not None]
        shared = [max((box_iou(one, seen) for one in own), default=0.0) for own, seen in pairs]
        return mean(shared) if shared else 0.0

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        return [FrameChoice(None, Decision("frame", None, "rules")) for _ in questions]

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        return [BoxChoice((), Decision("box", None, "rules")) for _ in questions]

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        return SoundChoice((), Decision("objects", None, "rules"))


class TrueFinder:
    name, version = "truth", "1"

    def __init__(self, things: Sequence[Track]) -> None:
        self._tracks = [
            track_of(number, thing) for number, thing in enumerate(things, 1) if thing.areas().any()
        ]

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        return Inventory(self._tracks, range(len(clip)))


def track_of(number: int, masks: Track) -> ObjectTrack:
    seen = np.flatnonzero(masks.areas())
    return ObjectTrack(
        number, seen, masks.boxes_xyxy()[seen], np.ones(len(seen), np.float32), {"thing": 1.0}, masks=masks
    )


Scores = dict[str, dict[str, list[float]]]
"""By kind of sentence and stage, one number per sentence."""


def main() -> None:
    options = parse()
    known = options.out and options.out.is_file() and json.loads(options.out.read_text())
    clips: dict[str, Scores] = known["clips"] if known else {}
    for case in {"made": made, "folder": folder, "pointing": pointing}[options.kind](options):
        own: Scores = {}
        for stage, scores in measured(case, options).items():
            for text, score in scores.items():
                kind = case.kinds[text]
                own.setdefault(kind, {}).setdefault(stage, []).append(round(score, 4))
        clips[case.clip.name] = own
        table, counts = summed(list(clips.values()))
        if options.out:
            asked = options.model if options.server else "a perfect eye"
            content = {"data": options.kind, "every": options.every, "model": asked}
            content |= {"scores": table, "sentences": counts, "clips": clips}
            options.out.write_text(json.dumps(content, indent=1) + "\n")
    if not clips:
        raise SystemExit("no clip of that name")
    print(f"{'':12}" + "".join(f"{kind[:13]:>15}" for kind in counts))
    for stage, row in table.items():
        print(f"{stage:12}" + "".join(f"{row[kind]:15.3f}" for kind in counts))
    print(f"{'sentences':12}" + "".join(f"{count:15}" for count in counts.values()))


def summed(clips: Sequence[Scores]) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """By stage and kind the mean over sentences, and how many there are of each kind."""
    together: Scores = {}
    for clip in clips:
        for kind, stages in clip.items():
            for stage, scores in stages.items():
                for column in ("all", kind):
                    together.setdefault(column, {}).setdefault(stage, []).extend(scores)
    stages = together["all"]
    table = {stage: {kind: round(mean(own[stage]), 4) for kind, own in together.items()} for stage in stages}
    return table, {kind: len(own["lite"]) for kind, own in together.items()}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("made", "folder", "pointing"))
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument(
        "--every", type=int, default=1, help="Of a folder's or a clip's frames take every so many."
    )
    parser.add_argument("--only", nargs="+", metavar="CLIP", help="These clips, by name.")
    parser.add_argument("--server", help="Address of a language model's server to ask in place of the eye.")
    parser.add_argument("--model", default="qwen3-vl:8b")
    parser.add_argument("-o", "--out", type=Path)
    return parser.parse_args()


def made(options: argparse.Namespace) -> Iterator[Case]:
    settings = SceneSettings(height=192, width=256, frames=16)
    for index in range(options.clips):
        clip = make_clip(settings, "valid", index)
        if not wanted(clip.name, options):
            continue
        things = [tracked(list(clip.ids == number)) for number in range(1, len(clip.things) + 1)]
        case = Case(ArrayClip(clip.frames, fps=FPS, name=clip.name), things=things)
        for sentence in clip.sentences:
            add(case, sentence.text, list(clip.ids == sentence.thing + 1), sentence.kind)
        yield case


def folder(options: argparse.Namespace) -> Iterator[Case]:
    data = open_dataset("folder", options.paths[0])
    cases: dict[str, Case] = {}
    for item in data.items():
        if not wanted(item.video.name, options):
            continue
        assert isinstance(item.reference, refervid.TextReference)
        assert item.truth is not None
        masks = [item.truth.at(place)[0] for place in range(len(item.frames))][:: options.every]
        if item.video.name not in cases:
            frames = np.stack([frame for _, frame in item.video.open().frames()][:: options.every])
            clip = ArrayClip(frames, fps=25 / options.every, name=item.video.name)
            cases[item.video.name] = Case(clip, things=[tracked(masks)])
        add(cases[item.video.name], item.reference.text, masks, item.video.name)
    yield from cases.values()


def pointing(options: argparse.Namespace) -> Iterator[Case]:
    dev, clips = options.paths
    for name, entry in json.loads(dev.read_text())["clips"].items():
        if not wanted(name, options):
            continue
        case = Case(open_clip(clips / name, every=options.every))
        for sentence in entry["sentences"]:
            case.kinds[sentence["text"]] = sentence["kind"]
            own: dict[int, BoxArray] = {}
            for frame, boxes in (sentence["frames"] or {0: []}).items():
                place = min(int(frame) // options.every, len(case.clip) - 1)
                own[place] = np.array(boxes or [], np.float32).reshape(-1, 4)
            case.boxes[sentence["text"]] = own
        yield case


def wanted(name: str, options: argparse.Namespace) -> bool:
    return not options.only or name in options.only


def add(case: Case, text: str, masks: Sequence[Mask], kind: str) -> None:
    boxes = tracked(masks).boxes_xyxy()
    case.boxes[text] = {i: box[None][~np.isnan(box[:1])] for i, box in enumerate(boxes)}
    case.masks[text], case.kinds[text] = masks, kind


def tracked(masks: Sequence[Mask]) -> Track:
    track = Track(len(masks), *masks[0].shape)
    for index, mask in enumerate(masks):
        track[index] = mask
    return track


def measured(case: Case, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """By stage, what every sentence scores."""
    eye = PerfectEye()
    eye.boxes = case.boxes
    agent = agent_with(options, eye)
    scores: dict[str, dict[str, float]] = {}
    if case.masks:
        true = agent_with(options, eye, TrueFinder(case.things))
        scores["true tracks"] = answers(true, case)
    finder = agent.engines.finder  # type: ignore[attr-defined]
    inventory = finder.complete(case.clip, finder.find(case.clip, no_hook), no_hook)
    meant = {text: eye.meant(text, inventory.tracks) for text in case.boxes}
    scores["tracks"] = {text: on_tracks(case, text, own) for text, own in meant.items()}
    scores["masks"] = answers(agent, case)
    scores["lite"] = answers(refervid.load("lite", device="cpu"), case)
    return scores


def agent_with(options: argparse.Namespace, eye: PerfectEye, finder: TrueFinder | None = None) -> Pipeline:
    changes = [*LITE, "binder.kind=synchrony"]
    if options.server:
        changes += [f"chooser.base_url={options.server}", f"chooser.model={options.model}"]
    chooser = None if options.server else eye
    return refervid.load("agent", device="cpu", settings=changes, chooser=chooser, finder=finder)


def answers(pipeline: Pipeline, case: Case) -> dict[str, float]:
    texts = list(case.boxes)
    results = pipeline(case.clip, text=texts)
    return {text: score(case, text, list(one.track)) for text, one in zip(texts, results, strict=True)}


def on_tracks(case: Case, text: str, tracks: Sequence[ObjectTrack]) -> float:
    """Of the truth, on the frames on which one of the tracks is; without masks, of their boxes."""
    if case.masks:
        there = [any(track.box_at(i) is not None for track in tracks) for i in range(len(case.clip))]
        return score(case, text, [mask & seen for mask, seen in zip(case.masks[text], there, strict=True)])

    def box_at(index: int) -> BoxArray | None:
        boxes = [box for track in tracks if (box := track.box_at(index)) is not None]
        return around(np.array(boxes)) if boxes else None

    return mostly_right(case.boxes[text], box_at)


def score(case: Case, text: str, found: Sequence[Mask]) -> float:
    if case.masks:
        truth, own = np.stack(case.masks[text]), np.stack(found)
        return float((jaccard(truth, own).mean() + boundary_f(truth, own).mean()) / 2)
    boxes = tracked(found).boxes_xyxy()
    return mostly_right(case.boxes[text], lambda i: None if np.isnan(boxes[i][0]) else boxes[i])


def mostly_right(boxes: Boxes, box_at: Callable[[int], BoxArray | None]) -> float:
    """1 where at least half of the annotated frames are right."""
    pairs = [(own, box_at(index)) for index, own in boxes.items()]
    right = [
        seen is not None and box_iou(seen, around(own)) >= SAME if len(own) else seen is None
        for own, seen in pairs
    ]
    return float(mean(right) >= 0.5)


if __name__ == "__main__":
    main()

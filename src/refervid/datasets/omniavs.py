"""OmniAVS (Ying et al. 2025): written and spoken sentences about what is seen and heard.

ROOT/meta_expressions_SPLIT.jsonl       SPLIT is test or train; one sentence a line
ROOT/video_dict.json                    per video `file_name` of its frames, and `mask_dict` by object
ROOT/images/VIDEO/FILE_NAME
ROOT/audios/VIDEO.mp3
ROOT/referrings/                        speeches, sounds and pictures that sentences use

Of the eight types the four that are written are asked. In three of these the words `<audio>` and `<image>`
stand for a sound or a picture, which is not shown.
The published program also scores explanations in words, which are not asked for here.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from pydantic import BaseModel, RootModel

from refervid.core.files import by_number
from refervid.core.types import TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import ObjectId
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.mask_dict import Codes, check_truths, union_truth
from refervid.datasets.problems import Problems
from refervid.datasets.rle import encode
from refervid.datasets.samples import (
    TONE_RATE,
    tone,
    two_shapes,
    write_json,
    write_json_lines,
    write_pictures,
)
from refervid.datasets.scoring import (
    FrameScores,
    frame_scores,
    means,
    means_by_category,
    measure_items,
    missing_notes,
    row_of,
    with_mean,
)
from refervid.datasets.tables import read_json_lines, read_model

FPS = 6.0
"""An assumption: the frames carry no times."""
WRITTEN = ("text", "text_image", "text_sound", "text_sound_image")
SPOKEN = ("speech", "speech_image", "speech_sound", "speech_sound_image")
COLUMNS = ("J&F", "J", "F")


class _Expression(BaseModel):
    exp_id: ObjectId
    video_name: str
    expr: str | None = None
    obj_id: list[ObjectId]
    expr_type: str


class _Video(BaseModel):
    file_name: list[str]
    mask_dict: dict[str, Codes]


_VideoDict = RootModel[dict[str, _Video]]


class OmniAvs(Dataset):
    """J and F of each written type, and the means over types.

    A sentence without a target has J and F 1 if its answer is empty in every frame, else 0. One that means
    several objects is scored against all of them; the published program looks the others up by a number
    where names are text, finds none, and takes the first object for each.
    """

    name = "omniavs"
    splits = ("test", "train")

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / f"meta_expressions_{self.split}.jsonl"
        expressions = read_json_lines(file, _Expression, problems)
        videos = read_model(self.root / "video_dict.json", _VideoDict, problems).root
        spoken = [each for each in expressions if each.expr_type in SPOKEN]
        if spoken:
            self.notes.append(
                f"{len(spoken)} of {len(expressions)} expressions are left out: they are spoken, without text"
            )
        sources: dict[str, VideoSource | None] = {}
        items: dict[str, Item] = {}
        for each in expressions:
            name, key = each.video_name, str(each.exp_id)
            where = f"expression {key} of video {name}"
            if each.expr_type in SPOKEN or not all(problems.name(file, part) for part in (name, key)):
                continue
            if each.expr_type not in WRITTEN or not each.expr:
                problems.add(file, f"{where} has type {each.expr_type!r} or no text", "correct the line")
            elif name not in videos:
                problems.add(self.root / "video_dict.json", f"video {name} is missing", "use one release")
            elif f"{name}/{key}" in items:
                problems.add(file, f"{where} is listed twice", "remove one line")
            else:
                if name not in sources:
                    sources[name] = self._source(name, videos[name], problems)
                source = sources[name]
                with problems.collected():
                    if source:
                        items[f"{name}/{key}"] = self._item(each, videos[name], source, where)
        return sorted(items.values(), key=lambda item: (item.video.name, by_number(item.expression_id)))

    def _source(self, name: str, video: _Video, problems: Problems) -> VideoSource | None:
        """The pictures and the sound of a clip; None, and faults, if files are missing."""
        folder, sound = self.root / "images" / name, self.root / "audios" / f"{name}.mp3"
        if not all(problems.name(self.root / "video_dict.json", each) for each in video.file_name):
            return None
        absent = [each for each in video.file_name if not (folder / each).is_file()]
        problems.missing(folder, absent, "put the files there")
        if not sound.is_file():
            problems.missing(sound.parent, [sound.name], "put the file there")
        if absent or not video.file_name or not sound.is_file():
            return None
        stems = [Path(each).stem for each in video.file_name]
        if len(set(stems)) < len(stems):
            problems.add(folder, "two frames have one name without suffix", "rename one")
            return None
        pictures = tuple(folder / each for each in video.file_name)
        return VideoSource(name, folder, pictures, FPS, sound)

    def _item(self, each: _Expression, video: _Video, source: VideoSource, where: str) -> Item:
        """Raises `DatasetError`."""
        file = self.root / "video_dict.json"
        names = tuple(Path(name).stem for name in video.file_name)
        ids = [str(number) for number in each.obj_id]
        truth = union_truth(file, video.mask_dict, ids, names, source, names, where)
        reference, indices = TextReference(each.expr or ""), tuple(range(len(names)))
        return Item(
            self.name, source, str(each.exp_id), reference, names, indices, truth, category=each.expr_type
        )

    def _check(self, problems: Problems) -> None:
        check_truths(self.items(), problems)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = measure_items(items, predictions, frame_scores, workers)
        rows = [
            {**row_of(item, with_mean(*_j_and_f(each.numbers)), each.missing), "category": item.category}
            for item, each in zip(items, measured, strict=True)
        ]
        types = means_by_category(rows, COLUMNS)
        metrics = {**means(list(types.values()), COLUMNS), "types": types}
        return Scores(metrics, rows, missing_notes(items, measured))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One clip per split, with a sentence of two written types, one about nothing, and a spoken one."""
        videos = {}
        for split in cls.splits:
            clip = two_shapes(f"{split}_shapes")
            files = [f"{name}.jpg" for name in clip.names]
            write_pictures(folder / "images" / clip.name, list(clip.frames), clip.names)
            _write_mp3(folder / "audios" / f"{clip.name}.mp3", len(files) / FPS)
            masks = {str(k): [encode(labels == k) for labels in clip.ids] for k in (1, 2)}
            videos[clip.name] = {"file_name": files, "mask_dict": masks, "duration": len(files) / FPS}
            given = [
                (clip.sentences[0][0], [1], "text", None),
                ("the square that sounds like <audio>", [2], "text_sound", None),
                ("the green triangle", [], "text", None),
                ("", [2], "speech", "0.wav"),
            ]
            lines: list[dict[str, Any]] = [
                {
                    "exp_id": key,
                    "video_name": clip.name,
                    "expr": text,
                    "obj_id": ids,
                    "expr_type": kind,
                    "expl": "",
                    "referring_image": None,
                    "referring_speech": speech,
                    "referring_sound": "0.wav" if kind == "text_sound" else None,
                }
                for key, (text, ids, kind, speech) in enumerate(given)
            ]
            write_json_lines(folder / f"meta_expressions_{split}.jsonl", lines)
        write_json(folder / "video_dict.json", videos)


def _j_and_f(frames: FrameScores) -> tuple[float, float]:
    if not frames.true.any():
        empty = float(not frames.predicted.any())
        return empty, empty
    return float(frames.j.mean()), float(frames.f.mean())


def _write_mp3(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = tone(seconds).astype(np.float32)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libmp3lame", rate=TONE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = TONE_RATE, Fraction(1, TONE_RATE)
        file.mux([*stream.encode(frame), *stream.encode(None)])

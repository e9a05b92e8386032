"""The rows, read from `rows.yaml`, and what is known to make results differ from the papers'."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from shlex import quote

import yaml
from pydantic import TypeAdapter

from refervid.config.frozen import Frozen
from refervid.core.arguments import did_you_mean
from refervid.core.errors import SettingsError

DIFFERENCES: Mapping[str, str] = {
    "models": "The two language models of the published runs are retired, and another one answers. No two "
    "runs of one are alike: of 750 clips that the authors asked about twice, 268 got identical answers.",
    "sizes": "The paper does not name the sizes of SAM 2 and of the detector: Hiera-L of SAM 2.0 and Swin-B "
    "are assumed.",
    "wording": "Questions ask what the published ones ask in our own words; `--set chooser.prompts=FOLDER` "
    "asks in the authors'.",
    "server": "The truth is private: the run ends with a submission for the data set's server.",
    "jpeg": "Frames of S4 and MS3 are PNG and tracked as they are; the published scripts track on JPEG "
    "copies of them.",
    "sounds": "Sounds are read at 16 kHz; the published scripts cut them at the rate of their files and "
    "resample the parts, which shows in the highest bands where that is another rate.",
    "readers": "Videos are decoded by PyAV, the published ones by torchvision: pixels may differ a little.",
    "first-head": "The published scripts answer with the first decoder layer, and so is answered here; "
    "`--set prediction_layer=last` takes the last.",
    "frames": "Three frames of every video were drawn once at random: put the published list beside the "
    "data, or other frames are scored, which a note tells.",
}
"""By the names that rows use."""


class Row(Frozen):
    """One row of a table. `settings` are changes to the preset, `weights` a checkpoint by the name that it is
    looked for under, `recipe` what trains it anew; with `answers` the published answers are replayed.
    `published` are the paper's numbers in 0..1 by metric, `source` says how they were got at; `hours` are an
    estimate for one data-centre GPU.
    """

    name: str
    paper: str
    about: str
    dataset: str
    split: str
    preset: str
    settings: tuple[str, ...] = ()
    weights: str | None = None
    recipe: str | None = None
    answers: bool = False
    published: dict[str, float]
    source: str
    differs: tuple[str, ...]
    hours: float
    hours_by: str

    def command(
        self, root: str = "DATA", out: str = "OUT", answers: str = "AVS", weights: str | None = None
    ) -> str:
        """What runs the row without this table."""
        words = ["refervid", "evaluate", self.dataset, "--root", root, "--split", self.split, "-o", out]
        words += ["--preset", self.preset]
        words += ["--answers", answers] if self.answers else []
        if self.weights is not None:
            words += ["--set", f"weights={weights or self.weights}"]
        for change in self.settings:
            words += ["--set", change]
        return " ".join(quote(word) for word in words)


@cache
def rows() -> Mapping[str, Row]:
    """By name, in the order of the papers' tables."""
    text = (files(__package__) / "rows.yaml").read_text("utf-8")
    found = TypeAdapter(list[Row]).validate_python(yaml.safe_load(text))
    return {row.name: row for row in found}


def row_named(name: str) -> Row:
    """Raises `SettingsError`."""
    if name not in rows():
        raise SettingsError(
            f"there is no row {name!r}{did_you_mean(name, rows())}: `refervid reproduce list` shows them"
        )
    return rows()[name]


def find_answers(folder: Path | None, row: Row) -> list[str]:
    """What is missing of the published answers that a row replays."""
    if not row.answers:
        return []
    if folder is None:
        return ["the published answers: give --answers AL-Ref-SAM2/avs, the folder of their repository"]
    return [] if folder.is_dir() else [f"the published answers: there is no folder {folder}"]

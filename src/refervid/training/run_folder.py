"""The folder of a training run.

    recipe.json          what was asked for, written first
    log.jsonl            a line for every logged step and every validation
    curves.svg           losses and scores drawn from the log whenever the state is saved
    state.pt             everything needed to go on, of the last saved step
    best.safetensors     the network that did best so far: on the validation, or by the mean loss of an epoch
    last.safetensors     the network at the end
    tensorboard/         if TensorBoard is installed

Whatever is replaced is replaced whole; a run may be killed at any byte. A run begins only where none of these
files is there yet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from refervid.config.differences import differences
from refervid.core.errors import BadCheckpoint, ConfigurationChanged, SettingsError
from refervid.core.files import atomic_file, inside, open_file, parse_json, read_json, write_text
from refervid.core.outputs import refuse_strangers, writing_to
from refervid.models.soc import SOC, save
from refervid.models.state import refuse_compressed
from refervid.training.curves import draw_curves
from refervid.training.recipe import Recipe

LOOSE = ("workers", "log_every", "save_every")
"""Settings without influence on the weights: a resumed run may change them."""


FILES = ("recipe.json", "log.jsonl", "curves.svg", "state.pt", "best.safetensors", "last.safetensors")


class RunFolder:
    """Reads and writes the folder of one run; only the first process does.

    What is not whole yet lies in `unfinished`, or else beside its place.
    """

    def __init__(self, path: Path, unfinished: Path | None = None) -> None:
        self.path = path
        self._unfinished = unfinished
        self.best = path / "best.safetensors"
        self.last = path / "last.safetensors"
        self._log = path / "log.jsonl"
        self._state = path / "state.pt"
        self._board: Any = None

    def start(self, recipe: Recipe, resume: bool) -> None:
        """Write the recipe, or check that it says the same.

        Raises `SettingsError` if there is a run already and `resume` was not asked for,
        `ConfigurationChanged` with every difference if that run had another recipe, and `OutputConflict` if
        there are files of somebody else (`UnsafeName` for links). A run that saved no state binds nobody.
        """
        file = self.path / "recipe.json"
        inside(self.path, "tensorboard")
        asked = recipe.model_dump(mode="json")
        if not (file.exists() and self._state.exists()):
            if not self._saved_nothing():
                refuse_strangers(self.path, FILES, {})
            with writing_to(self.path):
                write_text(file, json.dumps(asked, indent=2), self._unfinished)
        elif not resume:
            raise SettingsError(
                f"{self.path} holds a run: continue it with --resume, or choose another folder"
            )
        else:
            changes = [
                line for line in differences(_asked_before(file), asked) if line.split(":")[0] not in LOOSE
            ]
            if changes:
                raise ConfigurationChanged(
                    f"the run in {self.path} was started with another recipe: {'; '.join(changes)}; "
                    "go back to it, or choose another folder"
                )

    def _saved_nothing(self) -> bool:
        """Whether a run began here: with a recipe exactly as this program writes it, and a log beside it."""
        try:
            text = (self.path / "recipe.json").read_text("utf-8")
            whole = Recipe.model_validate_json(text).model_dump(mode="json")
            return text == json.dumps(whole, indent=2) and None not in map(_row, self._lines())
        except (OSError, ValueError):
            return False

    def save_network(self, network: SOC, path: Path) -> None:
        """Write it under `best` or `last`."""
        with writing_to(self.path), atomic_file(path, self._unfinished) as part:
            save(network, part)

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Raises `OutputFailed`; the state saved before is then kept."""
        with writing_to(self.path), atomic_file(self._state, self._unfinished) as part:
            try:
                torch.save(dict(state), part)
            except RuntimeError as error:  # torch hides the system's error
                raise OSError(
                    f"{self._state.name} could not be written: free space on the disk, go on with --resume"
                ) from error

    def load_state(self) -> dict[str, Any] | None:
        """What `save_state` wrote, on the CPU; None if nothing was saved yet. Raises `BadCheckpoint`."""
        if not self._state.exists():
            return None
        try:
            with open_file(self._state) as file:
                refuse_compressed(self._state)
                state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises half a dozen unrelated types for damaged files
            raise self.useless_state(f"damaged ({error})") from error
        return state

    def useless_state(self, why: str) -> BadCheckpoint:
        return BadCheckpoint(
            f"{self._state} is {why}: start again in another folder, or from {self.best.name} with "
            "network.weights"
        )

    def rewind(self, step: int) -> None:
        """Get ready to log from `step` on; what was logged of later steps is forgotten."""
        kept = [row for row in self.rows() if row["step"] < step]
        with writing_to(self.path):
            write_text(self._log, "".join(json.dumps(row) + "\n" for row in kept), self._unfinished)
        self._board = _tensorboard(self.path / "tensorboard", step)

    def log(self, row: Mapping[str, Any]) -> None:
        """Add a row; it has a `step`. Numbers that are not finite, which JSON lacks, become null."""
        row = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        with writing_to(self.path), self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, row["step"])

    def rows(self) -> list[dict[str, Any]]:
        """All rows so far; lines that were damaged, as by a power cut, are left out."""
        return [row for row in map(_row, self._lines()) if row is not None]

    def _lines(self) -> list[str]:
        """Of the log; without a last one cut off by a kill."""
        if not self._log.exists():
            return []
        return self._log.read_text("utf-8", errors="replace").split("\n")[:-1]

    def draw(self) -> None:
        """Show all rows so far: as curves, and in TensorBoard."""
        if self._board is not None:
            self._board.flush()
        with writing_to(self.path):
            write_text(self.path / "curves.svg", draw_curves(self.rows()), self._unfinished)


def _asked_before(file: Path) -> dict[str, Any]:
    """The recipe that a run was started with. Raises `SettingsError`."""
    try:
        before = read_json(file)
        if isinstance(before, dict):
            return before
        raise ValueError("it holds no settings")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read ({error}): choose another folder") from error


def _row(line: str) -> dict[str, Any] | None:
    """What `log` wrote; None for anything else."""
    try:
        row = parse_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        return None
    return row if all(value is None or isinstance(value, int | float) for value in row.values()) else None


def _tensorboard(folder: Path, step: int) -> Any:
    """A writer whose readers forget what was written of `step` and later; None without TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step)

"""Faults 33, 34 and 35: nothing of the user's is deleted or overwritten, and no result is mixed with another.

What every command writes is told in docs/outputs.md, and held against that here.
"""

from __future__ import annotations

import getpass
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.core.outputs import LOCK
from refervid.datasets.folder import Folder
from refervid.media.exports import EXPORTS
from tests.clips import disc_and_square, tone, write_pictures, write_video
from tests.faults.strangers import scatter, seen, untouched
from tests.training.tiny import tiny_recipe

TABLE = Path(__file__).parents[2] / "docs" / "outputs.md"
RED = ("-t", "the red disc", "--preset", "lite")
ALL_FORMATS = [word for kind in EXPORTS if kind != "masks" for word in ("--format", kind)]


def refervid(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: object) -> None:
    result = refervid(*words)
    assert result.exit_code == 0, result.output


def refused(watched: Path, *words: object, why: str = "OutputConflict") -> None:
    """Without work, and with everything below `watched` as it was."""
    before = seen(watched)
    result = refervid(*words)
    assert result.exit_code == 2, result.output
    assert why in result.stderr
    assert not re.search("propose|render|track:|step 1", result.stderr)
    assert untouched(before, watched)
    new = [Path(path) for path in seen(watched).keys() - before.keys()]
    assert all(path.is_dir() for path in new)


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@dataclass(frozen=True)
class Inputs:
    """What commands read: a clip, its frames in a folder, a data set, masks for it, recipes."""

    video: Path
    frames: Path
    data: Path
    masks: Path
    recipe: Path
    mask_recipe: Path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    place = tmp_path_factory.mktemp("inputs")
    frames = disc_and_square(6)
    Folder.make_sample(place / "data")
    (place / "masks").mkdir()
    (place / "recipe.yaml").write_text(tiny_recipe(schedule={"epochs": 1}).model_dump_json())
    mask_recipe = {
        "data": [{"kind": "video", "root": str(place / "data")}],
        "phases": [{"side": 64, "length": 2, "batch": 1, "steps": 1}],
    }
    (place / "masks.yaml").write_text(json.dumps(mask_recipe))
    return Inputs(
        write_video(place / "clip.mp4", frames, sound=tone(0.24)),
        write_pictures(place / "frames", frames),
        place / "data",
        place / "masks",
        place / "recipe.yaml",
        place / "masks.yaml",
    )


def segment(out: Path, given: Inputs) -> None:
    done("segment", given.video, *RED, *ALL_FORMATS, "-o", out)
    done("segment", given.frames, "-t", "the blue square", "--preset", "lite", "-o", out)


def evaluate(out: Path, given: Inputs) -> None:
    words = ("evaluate", "folder", "--root", given.data, "-o", out, "--preset", "lite")
    done(*words)
    [record, *_] = out.glob("items/*/*.json")
    record.unlink()
    done(*words, "--resume")
    done(*words, "--shard", "1/1", "--resume")


def score(out: Path, given: Inputs) -> None:
    for _ in range(2):
        done("score", "folder", "--root", given.data, "--predictions", given.masks, "-o", out)


def train(out: Path, given: Inputs) -> None:
    words = ("train", "soc", "--config", given.recipe, "-o", out, "--device", "cpu")
    done(*words)
    done(*words, "--resume")


def inventory(out: Path, given: Inputs) -> None:
    for _ in range(2):
        done("inventory", given.video, "-o", out)


COMMANDS: dict[str, tuple[Callable[[Path, Inputs], None], tuple[str, ...]]] = {
    "segment": (segment, ("masks", "masks/the-red-disc", "npz", "davis/Annotations/480p/clip", "a/b/c")),
    "evaluate": (evaluate, ("masks", "masks/shapes/0", "items", "items/shapes", "shards", "answers")),
    "score": (score, ("masks", "a/b/c")),
    "train soc": (train, ("tensorboard", "a/b/c")),
    "inventory": (inventory, ("a/b/c",)),
}
"""What is done twice, the second time over the first, and places where it also writes."""


def told(command: str) -> list[re.Pattern[str]]:
    """Patterns of all names that the table says a command writes; words in capitals stand for any name."""
    rows = [line.split("|") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| `")]
    [writes] = [row[2] for row in rows if row[1].strip(" `").startswith(command)]
    names = [name for name in re.findall("`([^`]+)`", writes) if not name.startswith("--")]
    return [re.compile(re.sub("[A-Z]{3,}", "[^/]+", re.escape(name))) for name in names]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("command", COMMANDS)
def test_strangers_in_an_output_folder_stay_as_they_are(
    command: str, seed: int, inputs: Inputs, tmp_path: Path
) -> None:
    run, places = COMMANDS[command]
    out = tmp_path / "out"
    scatter(out, Random(seed), places)
    before = seen(tmp_path) | seen(inputs.data.parent)
    run(out, inputs)
    assert untouched(before, tmp_path, inputs.data.parent)
    written = [Path(path).relative_to(out).as_posix() for path in seen(out).keys() - before.keys()]
    patterns = told(command)
    for name in written:
        assert (out / name).is_dir() or any(pattern.fullmatch(name) for pattern in patterns), name
    files = [name for name in written if not (out / name).is_dir()]
    assert sum(any(pattern.fullmatch(name) for name in files) for pattern in patterns) >= 2


def test_a_sample_goes_into_an_empty_folder_only(tmp_path: Path) -> None:
    scatter(tmp_path / "full", Random(3))
    refused(tmp_path, "datasets", "make-sample", "mevis", tmp_path / "full", why="not empty")
    assert not (tmp_path / "full" / LOCK).exists()
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "new/deep"):
        done("datasets", "make-sample", "mevis", tmp_path / folder)
        whole = seen(tmp_path / folder)
        listed = json.loads((tmp_path / folder / "sample.json").read_text())["files"]
        assert files_in(tmp_path / folder) == {LOCK, "sample.json", *listed}
        refused(tmp_path, "datasets", "make-sample", "mevis", tmp_path / folder, why="not empty")
        assert seen(tmp_path / folder) == whole


def test_the_page_works_in_folders_of_its_own(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio", reason="the page needs the extra `ui`")
    from refervid.pipelines.presets import load
    from refervid.webui.desk import Desk
    from refervid.webui.server import page_server

    for place in ("temporary", "cache"):
        scatter(tmp_path / place, Random(4), ("demo", "weights"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))
    before = seen(tmp_path)
    with page_server() as site:
        visitors = site.state.visitors
        upload = Path(shutil.copy(inputs.video, tmp_path / "temporary" / "upload"))
        desk = Desk(
            visitors.folder / "visitor",
            visitors.limits,
            lambda name: load(name, device="cpu", remember=False),
        )
        work = desk.open(upload, "clip.mp4")
        work.ask(["the red disc"], False, "lite")
        work.export(["npz"])
        assert untouched(before, tmp_path)
        desk.close()
    assert untouched(before, tmp_path)
    fresh = {Path(path).relative_to(tmp_path).as_posix() for path in seen(tmp_path).keys() - before.keys()}
    makes = f"temporary/torchinductor_{getpass.getuser()}"  # PyTorch, whoever imports it
    assert fresh <= {"cache/digests.sqlite", "temporary/upload", makes}


NAMES = {
    "segment": (
        "result.json",
        "overlay.mp4",
        "masks/the-red-disc/00003.png",
        "coco_rle.json",
        "npz",
        "masks",
    ),
    "evaluate": ("run.json", "scores.json", "items/shapes/0.json", "masks/shapes/1/00002.png", "items"),
    "score": ("scores.json", "items.csv"),
    "train": ("recipe.json", "log.jsonl", "state.pt", "best.safetensors"),
    "train masks": ("log.jsonl", "decoder.safetensors"),
    "inventory": ("inventory.html", "inventory.json"),
    "compare": ("page.html",),
}


def words_of(command: str, out: Path, given: Inputs) -> tuple[object, ...]:
    return {
        "segment": ("segment", given.video, *RED, *ALL_FORMATS, "-o", out),
        "evaluate": ("evaluate", "folder", "--root", given.data, "-o", out, "--preset", "lite"),
        "score": ("score", "folder", "--root", given.data, "--predictions", given.masks, "-o", out),
        "train": ("train", "soc", "--config", given.recipe, "-o", out, "--device", "cpu"),
        "train masks": ("train", "masks", "--config", given.mask_recipe, "-o", out, "--device", "cpu"),
        "inventory": ("inventory", given.video, "-o", out),
        "compare": ("compare", out, out, "--page", out / "page.html"),
    }[command]


@pytest.mark.parametrize(
    ("command", "name"), [(command, name) for command in NAMES for name in NAMES[command]]
)
@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_stranger_with_the_name_of_a_result_is_refused(
    command: str, name: str, kind: str, inputs: Inputs, tmp_path: Path
) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    (tmp_path / "mine").write_text("mine")
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "mine")
    before = seen(tmp_path)
    result = refervid(*words_of(command, tmp_path / "out", inputs))
    assert result.exit_code in (1, 2), result.output
    assert f"{tmp_path / 'out'}" in result.stderr
    assert untouched(before, tmp_path)
    assert files_in(tmp_path / "out") <= {LOCK, name}


@pytest.mark.parametrize(
    ("command", "link"),
    [("train", "tensorboard"), ("evaluate", "shards"), ("evaluate", "items"), ("segment", "masks")],
)
def test_links_in_an_output_folder_are_not_followed(
    command: str, link: str, inputs: Inputs, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / link).symlink_to(tmp_path / "elsewhere")
    more = ("--shard", "1/2") if link == "shards" else ()
    result = refervid(*words_of(command, tmp_path / "out", inputs), *more)
    assert result.exit_code == 1, result.output
    assert f"{tmp_path / 'out' / link} is a symbolic link" in result.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.fixture(params=["same", "hard link", "link", "letter case", "linked folder"])
def overlay(request: pytest.FixtureRequest, inputs: Inputs, tmp_path: Path) -> tuple[Path, Path]:
    """A clip, and an output folder in which `overlay.mp4` would be that clip, or nearly so."""
    out, clip = tmp_path / "out", tmp_path / "out" / "overlay.mp4"
    out.mkdir()
    shutil.copy(inputs.video, clip)
    if request.param == "hard link":
        (tmp_path / "clip.mp4").hardlink_to(clip)
        return tmp_path / "clip.mp4", out
    if request.param == "link":
        clip.rename(tmp_path / "clip.mp4")
        clip.symlink_to(tmp_path / "clip.mp4")
        return tmp_path / "clip.mp4", out
    if request.param == "letter case":
        return clip.rename(out / "Overlay.MP4"), out
    if request.param == "linked folder":
        (tmp_path / "linked").symlink_to(out)
        return clip, tmp_path / "linked"
    return clip, out


def test_the_clip_is_not_overwritten(overlay: tuple[Path, Path], inputs: Inputs, tmp_path: Path) -> None:
    clip, out = overlay
    refused(tmp_path, "segment", clip, *RED, "-o", out, why="is an input")
    refused(tmp_path, "segment", inputs.frames, "--audio", clip, *RED, "-o", out, why="is an input")


def test_outputs_do_not_go_into_inputs(inputs: Inputs, tmp_path: Path) -> None:
    frames, data, out = tmp_path / "frames", tmp_path / "data", tmp_path / "out"
    shutil.copytree(inputs.frames, frames)
    shutil.copytree(inputs.data, data)
    for place in (frames, frames / "new" / "deep"):
        refused(tmp_path, "segment", frames, *RED, "-o", place, why="is an input")
    shutil.copytree(frames, out / "masks" / "the-red-disc")
    refused(tmp_path, "segment", out / "masks" / "the-red-disc", *RED, "-o", out, why="is an input")
    for place in (data, data / "runs"):
        refused(tmp_path, *words_of("evaluate", place, Inputs(*[data] * 6)), why="is an input")
        refused(tmp_path, *words_of("score", place, Inputs(*[data] * 6)), why="is an input")
    recipe = json.loads(inputs.recipe.read_text())
    own = {"kind": "folder", "root": str(data)}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe | {"data": [own]}))
    for place in (frames, frames / "new"):
        refused(tmp_path, "inventory", frames, "-o", place, why="is an input")
    masks = words_of("train masks", inputs.data / "run", inputs)
    refused(inputs.data, *masks, why="is an input")
    words = ("train", "soc", "--config", tmp_path / "recipe.json", "--device", "cpu", "-o")
    for place in (tmp_path, data / "run"):
        refused(tmp_path, *words, place, why="is an input")
    assert not any(path.name == LOCK for place in (frames, data) for path in place.rglob("*"))


def test_the_folder_of_one_clip_is_not_the_input_of_another(inputs: Inputs, tmp_path: Path) -> None:
    shutil.copytree(inputs.frames, tmp_path / "frames")
    for clips in ((inputs.video, tmp_path / "frames"), (tmp_path / "frames", inputs.frames)):
        refused(tmp_path, "segment", *clips, *RED, "-o", tmp_path, why="is an input")
    assert not (tmp_path / "clip").exists()


def test_a_former_result_that_is_an_input_is_kept(inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done("segment", inputs.video, *RED, "--format", "alpha-webm", "-o", out)
    for clip in ("overlay.mp4", "alpha/the-red-disc.webm", "masks/the-red-disc"):
        refused(tmp_path, "segment", out / clip, "-t", "the blue square", "--preset", "lite", "-o", out)


def test_a_second_result_leaves_nothing_of_the_first(inputs: Inputs, tmp_path: Path) -> None:
    out, alone = tmp_path / "out", tmp_path / "alone"
    done("segment", inputs.video, *RED, *ALL_FORMATS, "-o", out)
    second = ("segment", inputs.frames, "-t", "the blue square", "--preset", "lite", "--format", "npz", "-o")
    for place in (out, alone):
        done(*second, place)
        listed = json.loads((place / "result.json").read_text())["files"]
        assert files_in(place) == {LOCK, "result.json", *listed}
    assert files_in(out) == files_in(alone)
    assert not (out / "alpha").exists()


@pytest.mark.parametrize("name", ["result.json", "report.html", "masks/the-red-disc/00002.png"])
def test_a_result_that_was_changed_is_not_replaced(name: str, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done("segment", inputs.video, *RED, "-o", out)
    with (out / name).open("ab") as file:
        file.write(b" ")
    refused(
        tmp_path, "segment", inputs.video, "-t", "the blue square", "--preset", "lite", "-o", out, why=name
    )


def test_a_mask_that_was_changed_is_not_replaced_on_resuming(inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = words_of("evaluate", out, inputs)
    done(*words)
    masks = sorted(out.glob("masks/*/0/*.png"))
    masks[0].write_bytes(b"mine")
    masks[1].unlink()
    refused(tmp_path, *words, "--resume", why=f"{masks[0]} was changed")
    masks[0].unlink()
    done(*words, "--resume")
    assert sorted(out.glob("masks/*/0/*.png")) == masks

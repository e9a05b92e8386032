"""`refervid models`: against a hub on loopback, and on files that are not what they should be."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.config.environment import Environment
from refervid.core.errors import MissingWeights
from refervid.engines.beats import BeatsSettings
from refervid.engines.hub import checkpoints, downloads
from refervid.engines.hub.checkpoints import CHECKPOINTS, pinned_revision, read_pulled, weights_in
from refervid.engines.hub.weights import find_weights
from refervid.engines.registry import ENGINES, engine_class
from refervid.models.soc import RobertaTextConfig
from refervid.models.soc.text import build_text_encoder
from tests.engines.sound import beats_file, languagebind_folder
from tests.hub_server import COMMIT, serve
from tests.raw_server import raw_server

CUT = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nweights"
NAME = "someone/LanguageBind_Tiny"


def point_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("REFERVID_WEIGHTS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    point_to(monkeypatch, "http://127.0.0.1:9")


def refervid(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["models", *arguments], input=typed)


@pytest.fixture
def hub_files(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "published"
    folder.mkdir()
    languagebind_folder(folder)
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {**files, "README.md": b"# tiny", "onnx/model.onnx": b"0" * 1000}


def test_pull_asks_downloads_notes_and_verifies(
    hub_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve({NAME: hub_files}) as (address, asked):
        point_to(monkeypatch, address)
        refused = refervid("pull", NAME, typed="n\n")
        assert refused.exit_code == 0
        assert "nothing was downloaded" in refused.stderr
        with pytest.raises(MissingWeights):
            find_weights(NAME)
        done = refervid("pull", NAME, typed="y\n")
        assert done.exit_code == 0, done.stderr
        assert f"{NAME} at {COMMIT[:10]}" in done.stderr
        fetched = {path.split("/")[-1] for path in asked if "/resolve/" in path}
    assert fetched == {"config.json", "vocab.json", "merges.txt", "pytorch_model.bin"}
    assert pinned_revision(NAME) == COMMIT
    by_branch = Path(constants.HF_HUB_CACHE, "models--someone--LanguageBind_Tiny", "refs", "main")
    assert by_branch.read_text() == COMMIT
    folder = find_weights(NAME)
    assert (folder / "pytorch_model.bin").read_bytes() == hub_files["pytorch_model.bin"]

    checked = refervid("verify", NAME, "--json")
    assert checked.exit_code == 0, checked.stderr
    [report] = json.loads(checked.stdout)
    assert report["revision"] == COMMIT
    assert report["hashes"] == {"pytorch_model.bin": True}
    assert report["loads"] is True

    weights = (folder / "pytorch_model.bin").resolve()
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    damaged = refervid("verify", NAME)
    assert damaged.exit_code == 1
    assert "pytorch_model.bin: different" in damaged.stdout


def test_a_repository_without_weights_or_without_existence(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve({"someone/pickles": {"model.pkl": b"x", "config.json": b"{}"}}) as (address, _):
        point_to(monkeypatch, address)
        unsafe = refervid("pull", "someone/pickles", "--yes")
        assert unsafe.exit_code == 1
        assert "loaded safely" in unsafe.stderr
        unknown = refervid("pull", "someone/nothing", "--yes")
        assert unknown.exit_code == 1
        assert "check the name" in unknown.stderr


def test_fast_is_whole_by_one_pull() -> None:
    from refervid.engines.hub.checkpoints import only_by_hand
    from refervid.pipelines.presets import checkpoints_of, missing_for

    needed = checkpoints_of("fast")
    assert not [name for name in needed if only_by_hand(name)]
    pulled = {f"weights {name} (`refervid models pull {name}` gets them)" for name in needed}
    lacks = missing_for("fast")
    assert lacks
    assert set(lacks) <= pulled


def test_offline_says_what_to_do() -> None:
    result = refervid("pull", "yonigozlan/EdgeTAM-hf", "--yes")
    assert result.exit_code == 1
    assert "check the connection" in result.stderr
    assert "REFERVID_WEIGHTS" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b/c", "nothing", "a//b", "bad name/x", "-/x"])
def test_names_that_are_no_hub_ids(name: str) -> None:
    result = refervid("pull", "--yes", "--", name)
    assert result.exit_code == 1
    assert "MissingWeights" in result.stderr


def test_files_published_elsewhere_name_their_page() -> None:
    result = refervid("pull", "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt", "--yes")
    assert result.exit_code == 1
    assert "https://github.com/microsoft/unilm" in result.stderr


def test_a_preset_s_files_from_elsewhere_do_not_hold_up_the_others(
    hub_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt"
    monkeypatch.setattr("refervid.pipelines.presets.checkpoints_of", lambda preset: [beats, NAME])
    with serve({NAME: hub_files}) as (address, _):
        point_to(monkeypatch, address)
        result = refervid("pull", "--preset", "paper", "--yes")
    assert result.exit_code == 0, result.stderr
    assert find_weights(NAME).is_dir()
    assert f"yours to do: {beats}" in result.stderr
    assert "https://github.com/microsoft/unilm" in result.stderr


def test_a_single_file_is_kept_only_if_its_hash_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"weights" * 1000
    right = hashlib.sha256(data).hexdigest()
    abandoned = Environment().cache / "weights" / ".0123abcd.part.yamnet.h5"
    abandoned.parent.mkdir(parents=True)
    abandoned.write_bytes(b"what a killed download left")
    os.utime(abandoned, (0, 0))
    with serve({"audioset": {"yamnet.h5": data}}) as (address, _):
        for sha256, code in (("0" * 64, 1), (right, 0)):
            url = f"{address}/audioset/resolve/{COMMIT}/yamnet.h5"
            ours = replace(CHECKPOINTS["yamnet.h5"], url=url, size=len(data), sha256=sha256)
            monkeypatch.setattr(downloads, "CHECKPOINTS", {"yamnet.h5": ours})
            result = refervid("pull", "yamnet.h5", "--yes")
            assert result.exit_code == code, result.stderr
            if code:
                with pytest.raises(MissingWeights):
                    find_weights("yamnet.h5")
    assert find_weights("yamnet.h5").read_bytes() == data
    assert not abandoned.exists()


@pytest.mark.parametrize("sent", [b"no answer\r\n\r\n", CUT, b"HTTP/1.1 404 No\r\n\r\n"])
def test_a_server_that_answers_badly_is_told_and_nothing_is_left(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(lambda line: line.sendall(sent)) as address:
        ours = replace(CHECKPOINTS["yamnet.h5"], url=address, size=100)
        monkeypatch.setattr(downloads, "CHECKPOINTS", {"yamnet.h5": ours})
        result = refervid("pull", "yamnet.h5", "--yes")
    assert result.exit_code == 1
    assert "error: MissingWeights: yamnet.h5 cannot be downloaded" in result.stderr
    assert list((Environment().cache / "weights").iterdir()) == []


def test_pull_of_nothing_and_of_no_preset() -> None:
    assert refervid("pull").exit_code == 2
    unknown = refervid("pull", "--preset", "nonsense")
    assert unknown.exit_code == 2
    assert "choose one of" in unknown.stderr


def test_list() -> None:
    rows = {row["name"]: row for row in json.loads(refervid("list", "--json").stdout)}
    assert set(rows) == set(CHECKPOINTS)
    assert not any(row["here"] for row in rows.values())
    assert "paper" in rows["facebook/sam2-hiera-large"]["presets"]
    assert "IDEA-Research/grounding-dino-tiny" in refervid("list").stdout


def test_the_table_is_sound() -> None:
    for one in CHECKPOINTS.values():
        assert one.licence
        assert one.size > 1_000_000
        assert one.revision is None or len(one.revision) == 40
        assert one.sha256 is None or (len(one.sha256) == 64 and len(one.files) == 1)
        assert (one.name.count("/") == 1) == (one.page is None)


def test_every_engine_s_default_weights_are_in_the_table() -> None:
    for role, kinds in ENGINES.items():
        for kind in kinds:
            settings: Any = engine_class(role, kind).Settings(kind=kind)
            named = getattr(settings, "weights", ())
            named = (named,) if isinstance(named, str) else named
            assert set(named) <= set(weights_in(settings)), f"{role} {kind}"
    assert len(weights_in(BeatsSettings())) == 3


def test_verify_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = beats_file(tmp_path / "BEATs_mine.pt")
    good = refervid("verify", str(path))
    assert good.exit_code == 0
    assert "no published hash; loads" in good.stdout
    path.write_bytes(path.read_bytes()[:1000])
    bad = refervid("verify", str(path))
    assert bad.exit_code == 1
    assert "download it again" in bad.stdout
    assert refervid("verify", str(path), "--no-load").exit_code == 0


def test_a_file_by_a_published_name_must_be_that_file(tmp_path: Path) -> None:
    (tmp_path / "yamnet.h5").write_bytes(b"something else")
    result = refervid("verify", str(tmp_path / "yamnet.h5"))
    assert result.exit_code == 1
    assert "not what was published" in result.stdout


def test_the_text_encoder_of_published_soc_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "FacebookAI/roberta-base"
    lacking = refervid("verify", name)
    assert lacking.exit_code == 1
    assert f"refervid models pull {name}" in lacking.stderr

    folder = tmp_path / "roberta-base"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "roberta"}')
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = {word: index for index, word in enumerate([*special, *map(str, range(50260))])}
    (folder / "vocab.json").write_text(json.dumps(words))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    with torch.device("meta"):
        encoder = build_text_encoder(RobertaTextConfig())
    state = {key: torch.zeros(()).expand(value.shape) for key, value in encoder.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    save_file({"other": torch.zeros(1)}, folder / "model.safetensors")
    assert refervid("verify", str(folder)).exit_code == 0

    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    assert find_weights(name) == folder
    ours = refervid("verify", name)
    assert ours.exit_code == 1
    assert "pytorch_model.bin: different" in ours.stdout

    del state["pooler.dense.bias"], state["pooler.dense.weight"]
    torch.save(state, folder / "pytorch_model.bin")
    cut = refervid("verify", str(folder))
    assert cut.exit_code == 1
    assert "lacks pooler.dense.weight" in cut.stdout


@pytest.mark.parametrize("config", [None, "", "[]", '{"model_type": "t5"}'])
def test_verify_folders_that_hold_something_else(tmp_path: Path, config: str | None) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert refervid("verify", str(tmp_path)).exit_code == 1


def test_verify_nothing() -> None:
    assert "no known checkpoint" in refervid("verify").stderr
    assert refervid("verify", "someone/else").exit_code == 1


def test_damaged_notes_count_as_none(tmp_path: Path) -> None:
    notes = tmp_path / "cache" / "checkpoints.json"
    notes.parent.mkdir()
    for text in ("", "[]", '{"a/b": 3}', '{"a/b": {"revision": "x"}}'):
        notes.write_text(text)
        assert read_pulled() == {}
    assert checkpoints.pinned_revision("a/b") is None
    checkpoints.note_pulled("a/b", checkpoints.Pulled("1234", {}))
    assert checkpoints.pinned_revision("a/b") == "1234"
    [aside] = notes.parent.glob("checkpoints.json.damaged-*")
    assert aside.read_text() == text

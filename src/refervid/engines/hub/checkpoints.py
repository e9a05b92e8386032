"""Every published checkpoint that an engine here can load: where it is, how large, under which licence.

Revisions and hashes are those that several unrelated public projects pin. Where no such agreement was
found the field is None: then `refervid models pull` notes the revision and hashes that the hub gave. Sizes
without a hash are estimates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from refervid.config.environment import Environment
from refervid.core.files import set_aside, storing_in, write_text
from refervid.engines.base import EngineSettings, loaded_by

SMALL_FILES = ("*.json", "*.txt", "*.jinja")
"""Configuration, tokenizer and chat template, which are downloaded beside the weights."""


@dataclass(frozen=True)
class Checkpoint:
    """`name` is a hub id, or a file's name where it is published elsewhere: at the page `page`, or to be
    downloaded from `url`. `files` are the weights, `size` theirs together in bytes (exact where `sha256`
    is known, which is that of a single file), `revision` a commit on the hub.
    """

    name: str
    about: str
    licence: str
    size: int
    files: tuple[str, ...] = ("model.safetensors",)
    revision: str | None = None
    sha256: str | None = None
    page: str | None = None
    url: str | None = None


_SWIN = "https://github.com/SwinTransformer/storage/releases/download/v1.0.4"

_SOC = (
    ("soc-a2d-scratch-tiny", "A2D-Sentences from scratch, Swin-T", "1ILmfHRRcOZ1CWo2l4fATF9SYYnc8ryTP"),
    ("soc-a2d-tiny", "A2D-Sentences after pre-training, Swin-T", "1sJ40p6ql2k2JLYkUltPst-_51GdvGgC4"),
    ("soc-a2d-base", "A2D-Sentences after pre-training, Swin-B", "10937_A8QUkTpD-fUjHg8_qN9HWMCXRG3"),
    (
        "soc-ref-youtube-vos-scratch-tiny",
        "Ref-YouTube-VOS from scratch, Swin-T",
        "179Xv5t1pGTbloMnjf7OurRYo7TlfpmYy",
    ),
    (
        "soc-ref-youtube-vos-tiny",
        "Ref-YouTube-VOS after pre-training, Swin-T",
        "1YzeUonrccqyglYvMK04lrbJBDStS51lV",
    ),
    (
        "soc-ref-youtube-vos-base",
        "Ref-YouTube-VOS after pre-training, Swin-B",
        "1DX47RbXKI1_INIgyxh3ZuAiRMq7rMkql",
    ),
    (
        "soc-ref-youtube-vos-joint-tiny",
        "Ref-YouTube-VOS by joint training, Swin-T",
        "15mHrg2mry01PllEyZql9arAa6-zYHfGu",
    ),
    (
        "soc-ref-youtube-vos-joint-base",
        "Ref-YouTube-VOS by joint training, Swin-B",
        "1SaDLcQOn_a1L-Bw8LGB2CiQIGkZAO3Wu",
    ),
)
"""The eight files of SOC's page, by names of ours: where they are published each has a name of its own."""

CHECKPOINTS: Mapping[str, Checkpoint] = {
    checkpoint.name: checkpoint
    for checkpoint in (
        Checkpoint(
            "IDEA-Research/grounding-dino-tiny",
            "Grounding DINO, Swin-T",
            "Apache-2.0",
            689_359_096,
            revision="a2bb814dd30d776dcf7e30523b00659f4f141c71",
            sha256="1a2412ef99bd74bcd3c2a246fa1e48581f8889a1300c9051974741314fc042f3",
        ),
        Checkpoint(
            "IDEA-Research/grounding-dino-base",
            "Grounding DINO, Swin-B",
            "Apache-2.0",
            933_400_872,
            revision="12bdfa3120f3e7ec7b434d90674b3396eccf88eb",
            sha256="5548f844c928c4b6f411fa8cbcc2bfa8dbbba437cb1d513975519f93c2a9ed21",
        ),
        Checkpoint(
            "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
            "MM Grounding DINO, Swin-T",
            "Apache-2.0",
            692_000_000,
        ),
        *(
            Checkpoint(
                f"iSEE-Laboratory/llmdet_{size}", f"LLMDet, Swin-{size[0].upper()}", "Apache-2.0", count
            )
            for size, count in (("tiny", 692_000_000), ("base", 936_000_000), ("large", 1_370_000_000))
        ),
        Checkpoint(
            "google/owlv2-base-patch16-ensemble",
            "OWLv2, ViT-B/16",
            "Apache-2.0",
            619_918_824,
            revision="cfd3195ba4ea9592eec887ded089f4c08eff231d",
            sha256="e1e130b9e404cf91a75ad45644c1da9d7fa5284085eecc864266a6923efb99e7",
        ),
        Checkpoint(
            "facebook/sam3",
            "SAM 3, detector and tracker (gated: accept its terms on its hub page, then `hf auth login`)",
            "SAM License",
            3_440_000_000,
        ),
        Checkpoint(
            "facebook/sam2-hiera-large",
            "SAM 2, large",
            "Apache-2.0",
            897_831_024,
            revision="e6a8e8809b8f1bfa2238b6d080f3d05cc76bd251",
        ),
        Checkpoint(
            "facebook/sam2.1-hiera-tiny",
            "SAM 2.1, tiny",
            "Apache-2.0",
            155_908_064,
            revision="de431c4043854a71d8101e17995dfe596bf101a5",
            sha256="48c14467e5cf9e51870511feb72c89688e82dd74523142c0538b663e193ac2a7",
        ),
        Checkpoint(
            "facebook/sam2.1-hiera-small",
            "SAM 2.1, small",
            "Apache-2.0",
            184_305_280,
            revision="ee5bba1d82bb8749febdf90f45e84b687142ba03",
            sha256="0a4067b11ce1e23d5229203f11c718a823060d15a4b23fa2372a7d4b77cbbc60",
        ),
        Checkpoint(
            "facebook/sam2.1-hiera-base-plus",
            "SAM 2.1, base plus",
            "Apache-2.0",
            323_476_296,
            revision="b7320756a13354e7530a63935656d35b2f91a290",
            sha256="2012733a0de5d03efd1bba550a2847c4551be9ef2e0d497c83074df66189f780",
        ),
        Checkpoint(
            "facebook/sam2.1-hiera-large",
            "SAM 2.1, large",
            "Apache-2.0",
            897_897_416,
            revision="665f8e2ad61cf5f53d65644ff27c8ee525124610",
            sha256="dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
        ),
        Checkpoint(
            "yonigozlan/EdgeTAM-hf",
            "EdgeTAM",
            "Apache-2.0",
            56_000_000,
            revision="c266ce53b3fc00f0f495b583f6a116c4e57f53bb",
        ),
        Checkpoint(
            "Qwen/Qwen3-VL-4B-Instruct",
            "Qwen3-VL, 4 billion parameters",
            "Apache-2.0",
            8_876_000_000,
            files=("model-*.safetensors",),
            revision="ebb281ec70b05090aa6165b016eac8ec08e71b17",
        ),
        Checkpoint(
            "LanguageBind/LanguageBind_Audio_FT",
            "LanguageBind, sound and text",
            "MIT",
            1_712_000_000,
            files=("pytorch_model.bin",),
            revision="4820c496563c46acfb1ff9a486fae5319f16257e",
        ),
        Checkpoint(
            "LanguageBind/LanguageBind_Image",
            "LanguageBind, pictures and text",
            "MIT",
            1_710_619_975,
            files=("pytorch_model.bin",),
            revision="d8c2e37b439f4fc47c649dc8b90cdcd3a4e0c80e",
            sha256="99c9382819ef4021e9b2600f030f267d18cc4d5dad39928fdd83ed48887e94bd",
        ),
        Checkpoint(
            "laion/clap-htsat-unfused",
            "CLAP, sound and text",
            "Apache-2.0",
            614_525_833,
            files=("pytorch_model.bin",),
            revision="8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a",
            sha256="1cd3c601bc4afe0fa87be3de4c13dd2cfadd249fac1e29acf74a9b296c3219bb",
        ),
        Checkpoint("openai/whisper-small", "Whisper, small", "Apache-2.0", 967_000_000),
        Checkpoint(
            "MIT/ast-finetuned-audioset-10-10-0.4593",
            "Audio Spectrogram Transformer",
            "BSD-3-Clause",
            346_404_948,
            revision="f826b80d28226b62986cc218e5cec390b1096902",
            sha256="ae0c1e2ad4e1381d851fa9bf298ba13ebc9c5a914cdee2dbe427a6583869924d",
        ),
        Checkpoint(
            "FacebookAI/roberta-base",
            "RoBERTa, for published SOC checkpoints",
            "MIT",
            501_200_538,
            # Not model.safetensors, which lacks the pooler.
            files=("pytorch_model.bin",),
            revision="e2da8e2f811d1448a5b465c236feacd80ffbac7b",
            sha256="278b7a95739c4392fae9b818bb5343dde20be1b89318f37a6d939e1e1b9e461b",
        ),
        Checkpoint(
            "BEATs_iter3_plus_AS20K_finetuned_on_AS2M_cpt2.pt",
            "BEATs, tokenizer trained on AudioSet-20K",
            "MIT",
            363_145_291,
            files=("BEATs_iter3_plus_AS20K_finetuned_on_AS2M_cpt2.pt",),
            sha256="6d28b32bfa7bcaaf84ab834186581c2a360c6669e372e808d054cf0ef4d5c2d2",
            page="https://github.com/microsoft/unilm/tree/master/beats",
        ),
        Checkpoint(
            "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
            "BEATs, tokenizer trained on AudioSet-2M",
            "MIT",
            363_145_291,
            files=("BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",),
            sha256="e5815275a04b6885e7b8af63d120b29bffae2cd2225cf4915e1ec6d819d3022c",
            page="https://github.com/microsoft/unilm/tree/master/beats",
        ),
        Checkpoint(
            "sam2_hiera_large.pt",
            "SAM 2, large, in its authors' own file",
            "Apache-2.0",
            897_952_466,
            files=("sam2_hiera_large.pt",),
            sha256="7442e4e9b732a508f80e141e7c2913437a3610ee0c77381a66658c3a445df87b",
            page="https://github.com/facebookresearch/sam2",
            url="https://dl.fbaipublicfiles.com/segment_anything_2/072824/sam2_hiera_large.pt",
        ),
        Checkpoint(
            "swin_tiny_patch244_window877_kinetics400_1k.pth",
            "Video Swin-T trained on Kinetics, from which SOC is trained",
            "Apache-2.0",
            113_000_000,
            files=("swin_tiny_patch244_window877_kinetics400_1k.pth",),
            page=f"{_SWIN}/swin_tiny_patch244_window877_kinetics400_1k.pth",
        ),
        Checkpoint(
            "swin_base_patch244_window877_kinetics400_22k.pth",
            "Video Swin-B trained on ImageNet-22K and Kinetics, from which SOC is trained",
            "Apache-2.0",
            354_000_000,
            files=("swin_base_patch244_window877_kinetics400_22k.pth",),
            page=f"{_SWIN}/swin_base_patch244_window877_kinetics400_22k.pth",
        ),
        *(
            Checkpoint(
                f"{name}.tar",
                f"SOC, {about}",
                "none given",
                700_000_000 if name.endswith("tiny") else 900_000_000,
                files=(f"{name}.tar",),
                page=f"https://drive.google.com/file/d/{number}/view",
            )
            for name, about, number in _SOC
        ),
        Checkpoint(
            "yamnet.h5",
            "YAMNet, for intervals of sound",
            "Apache-2.0",
            15_296_092,
            files=("yamnet.h5",),
            sha256="13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
            page="https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
            url="https://storage.googleapis.com/audioset/yamnet.h5",
        ),
    )
}


@dataclass(frozen=True)
class Pulled:
    """What a download got: the commit, and the weights' SHA-256 by file name as the hub gives them."""

    revision: str
    sha256: Mapping[str, str]


def pinned_revision(name: str) -> str | None:
    """The commit to use of a hub id: the table's, else the one that was pulled, else None."""
    known = CHECKPOINTS.get(name)
    if known is not None and known.revision is not None:
        return known.revision
    pulled = read_pulled().get(name)
    return None if pulled is None else pulled.revision


def only_by_hand(name: str) -> str:
    """How to get a checkpoint that only a person can fetch from its page; "" for all others."""
    known = CHECKPOINTS.get(name)
    if known is None or known.page is None or known.url is not None:
        return ""
    return f"download the file from {known.page} as {name} into the folder that REFERVID_WEIGHTS names"


def file_patterns(name: str) -> list[str]:
    """What of a hub repository is downloaded: other formats of the same weights are left there."""
    known = CHECKPOINTS.get(name)
    pulled = read_pulled().get(name)
    weights = known.files if known else tuple(pulled.sha256) if pulled else ("*.safetensors",)
    return [*weights, *SMALL_FILES]


def weight_files(names: Iterable[str], known: Checkpoint | None) -> list[str]:
    """Of the names of files in a repository or folder those of the weights, which lie at its top: of a known
    checkpoint the table's, else safetensors, else pickles.
    """
    top = [name for name in names if "/" not in name]
    for patterns in [known.files] if known else [("*.safetensors",), ("pytorch_model*.bin",)]:
        if found := sorted(name for name in top if any(fnmatch(name, pattern) for pattern in patterns)):
            return found
    return []


def weights_in(settings: EngineSettings) -> list[str]:
    """The known checkpoints that an engine's settings name."""
    return [name for name in loaded_by(settings) if name in CHECKPOINTS]


def read_pulled() -> dict[str, Pulled]:
    """The notes on earlier downloads; a damaged file counts as none: the downloads can be repeated."""
    try:
        content = json.loads(_notes().read_text("utf-8"))
        return {name: Pulled(entry["revision"], dict(entry["sha256"])) for name, entry in content.items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def note_pulled(name: str, pulled: Pulled) -> None:
    notes = {**read_pulled(), name: pulled}
    content = {key: {"revision": one.revision, "sha256": dict(one.sha256)} for key, one in notes.items()}
    with storing_in(_notes().parent, "REFERVID_CACHE"):
        if _notes().exists() and not read_pulled():
            set_aside(_notes())
        write_text(_notes(), json.dumps(content, indent=2, sort_keys=True) + "\n")


def _notes() -> Path:
    return Environment().cache / "checkpoints.json"

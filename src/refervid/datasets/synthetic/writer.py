"""Writing synthetic clips in the layout of Ref-YouTube-VOS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from refervid.core.files import write_text
from refervid.core.types import Hook, no_hook
from refervid.datasets.samples import write_id_maps, write_pictures
from refervid.datasets.synthetic.clips import Split, make_clip
from refervid.datasets.synthetic.scene import SceneSettings


def write_split(
    root: Path, settings: SceneSettings, split: Split, clips: int, seed: int = 0, hook: Hook = no_hook
) -> None:
    """`clips` clips as ROOT/SPLIT/JPEGImages, ROOT/SPLIT/Annotations, ROOT/SPLIT/meta.json and
    ROOT/meta_expressions/SPLIT/meta_expressions.json; every expression also has its `kind`.
    """
    videos: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    names = [f"{5 * time:05d}" for time in range(settings.frames)]
    for index in range(clips):
        clip = make_clip(settings, split, index, seed)
        write_pictures(root / split / "JPEGImages" / clip.name, list(clip.frames), names)
        write_id_maps(root / split / "Annotations" / clip.name, list(clip.ids), names)
        expressions = {
            str(number): {"exp": sentence.text, "obj_id": str(sentence.thing + 1), "kind": sentence.kind}
            for number, sentence in enumerate(clip.sentences)
        }
        videos[clip.name] = {"frames": names, "expressions": expressions}
        objects[clip.name] = {
            "objects": {str(i + 1): {"category": thing.look.kind} for i, thing in enumerate(clip.things)}
        }
        hook("write clips", None, index + 1, clips)
    write_text(root / split / "meta.json", json.dumps({"videos": objects}))
    target = root / "meta_expressions" / split / "meta_expressions.json"
    write_text(target, json.dumps({"videos": videos}))

"""What is in a clip, without a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from refervid.core.errors import SettingsError
from refervid.core.types import Hook, no_hook
from refervid.engines.inventory import Inventory
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.pipelines.presets import load
from refervid.pipelines.tracks.named import whole_inventory
from refervid.pipelines.tracks.pipeline import TracksPipeline


def inventory(
    video: str | Path | Clip,
    *,
    preset: str = "lite",
    device: str = "auto",
    settings: Sequence[str] = (),
    hook: Hook = no_hook,
) -> Inventory:
    """The things in `video`, as tracks over the whole clip: what they may be, when and where.

    Last come those without a name: what moves or stands out.

    Raises `SettingsError` for a preset that does not look for things before sentences.

    >>> found = refervid.inventory(clip, device="cpu")
    >>> found.frame_indices[0]
    0
    """
    pipeline = load(preset, device=device, settings=settings)
    if not isinstance(pipeline, TracksPipeline):
        raise SettingsError(f"preset {pipeline.preset!r} makes no inventory: choose lite")
    clip = video if isinstance(video, Clip) else open_clip(video)
    return whole_inventory(clip, pipeline.engines.finder, hook)

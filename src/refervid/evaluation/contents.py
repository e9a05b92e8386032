"""What the files of a data set hold, so that no run mixes two of them under one name."""

from __future__ import annotations

from refervid.config.environment import Environment
from refervid.core.digests import digests_in
from refervid.datasets.item import Item, VideoSource


def contents_of(item: Item) -> dict[str, str]:
    """Digests of what an answer is made from, and of what it is scored with. Raises `OSError`."""
    return {
        "video": video_digest(item.video),
        "annotations": digests_in(Environment().cache).of(item.truth),
    }


def video_digest(video: VideoSource) -> str:
    """Of the frames and the sound; where they lie does not matter. Raises `OSError`."""
    return digests_in(Environment().cache).of([video.pictures or video.path, video.fps, video.sound])

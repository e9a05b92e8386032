"""What the files of a data set hold, so that no run mixes two of them under one name."""

from __future__ import annotations

from collections.abc import Sequence

from refervid.config.environment import Environment
from refervid.core.digests import digests_in
from refervid.datasets.item import Item, VideoSource


def contents_of(item: Item) -> dict[str, str]:
    """Digests of what an answer is made from, and of what it is scored with. Raises `OSError`."""
    return {
        "video": video_digest(item.video),
        "annotations": digests_in(Environment().cache).of(item.truth),
    }


def digest_of_all(items: Sequence[Item]) -> str:
    """Of everything that `items` ask about, and of what is true. Raises `OSError`."""
    videos = {item.video.name: item.video for item in items}
    asked = [(item.name, item.reference, item.frames, item.truth) for item in items]
    return digests_in(Environment().cache).of([[video_digest(video) for video in videos.values()], asked])


def video_digest(video: VideoSource) -> str:
    """Of the frames and the sound; where they lie does not matter. Raises `OSError`."""
    return digests_in(Environment().cache).of([video.pictures or video.path, video.fps, video.sound])

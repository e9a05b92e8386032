"""Does preset `lite` call a thing the source of a sound that has nothing to do with it?

    python bench/lite_sound.py MEDIA CASES [-o JSON]

MEDIA holds videos and sound files, CASES two made-up clips (hops.mkv, hops_antiphase.mkv) whose sound goes
with the hops of one of two discs. Every video is given every sound that is not its own: each of the other
videos' and each sound file. An answer of status "ok" to such a pair is a false alarm; a guess says that it is
one. The made-up clips with their own sound are the fitting pairs. Nothing is tracked: objects are chosen.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path

from refervid import load, open_clip
from refervid.core.track import Track
from refervid.core.types import Hook, Pivot
from refervid.media.clip import Clip
from refervid.pipelines.base import Pipeline

FITTING = ("hops.mkv", "hops_antiphase.mkv")


class PivotsAlone:
    """A tracker that shows the pivots' frames alone."""

    name, version = "pivots alone", "1"

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        return [self._shown(clip, pivots) for pivots in objects]

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        return track

    def _shown(self, clip: Clip, pivots: Sequence[Pivot]) -> Track:
        track = Track(len(clip), clip.height, clip.width)
        for pivot in pivots:
            if pivot.mask is not None:
                track[pivot.frame_index] = pivot.mask
                track.presence[pivot.frame_index] = 1
        return track


def answer(pipeline: Pipeline, video: Path, sound: Path | None) -> dict[str, object]:
    result = pipeline(video, sound=True, audio=sound)
    [reason] = [one.reason for one in result.decisions if one.question == "objects"] or [""]
    return {"video": video.name, "sound": (sound or video).name, "status": result.status, "why": reason}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("media", type=Path)
    parser.add_argument("cases", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    pipeline = load("lite", device="cpu", tracker=PivotsAlone())
    fitting = [options.cases / name for name in FITTING]
    videos = [*sorted(options.media.glob("*.mp4")), fitting[0]]
    sounds = [*sorted(options.media.glob("*.wav")), *(video for video in videos if _is_heard(video))]
    rows = [{"fits": True, **answer(pipeline, video, None)} for video in fitting]
    for video in videos:
        for sound in sounds:
            if sound != video:
                rows.append({"fits": False, **answer(pipeline, video, sound)})
                print(rows[-1], flush=True)
    foreign = [row for row in rows if not row["fits"]]
    summary = {
        "unrelated pairs": len(foreign),
        "ok": sum(row["status"] == "ok" for row in foreign),
        "guess": sum(row["status"] == "guess" for row in foreign),
        "fitting pairs": len(fitting),
        "fitting and ok": sum(row["status"] == "ok" for row in rows if row["fits"]),
    }
    print(json.dumps(summary, indent=1))
    if options.out:
        content = {**summary, "rows": rows, "machine": platform.machine()}
        options.out.write_text(json.dumps(content, indent=1) + "\n")


def _is_heard(video: Path) -> bool:
    clip = open_clip(video)
    return clip.has_audio and bool(abs(clip.waveform().samples).max() > 1e-3)


if __name__ == "__main__":
    main()

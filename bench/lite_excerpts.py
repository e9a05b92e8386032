"""Is preset `lite` as right on whole clips as on excerpts of them?

    python bench/lite_excerpts.py BOXES.json CLIPS [--seconds 3] [-o JSON]

BOXES.json is that of `bench/lite_thresholds.py`. The same sentences are held against the whole clip and
against the seconds around one of the frames with boxes, and both answers are judged on that frame alone: do
the chosen tracks lie where the boxes are? Nothing is tracked.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from lite_thresholds import points_right
from refervid import load, open_clip
from refervid.core.types import no_hook
from refervid.media.part import PartClip

OUTCOMES = {
    (True, True): "both",
    (True, False): "whole alone",
    (False, True): "excerpt alone",
    (False, False): "none",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    pipeline = load("lite", device="cpu")
    counts: Counter[str] = Counter()
    for file, content in json.loads(options.boxes.read_text())["clips"].items():
        clip = open_clip(options.clips / file)
        sentences = [one for one in content["sentences"] if one["kind"] != "absent"]
        texts = [one["text"] for one in sentences]
        indices = sorted({int(index) for one in sentences for index in one["frames"]})
        middle = indices[len(indices) // 2]
        start = max(float(clip.times_s[middle]) - options.seconds / 2, 0.0)
        excerpt = PartClip(clip, start_s=start, end_s=start + options.seconds)
        place = int(abs(excerpt.times_s + excerpt.start_s - clip.times_s[middle]).argmin())
        right = []
        for part, index in ((clip, middle), (excerpt, place)):
            inventory = pipeline.engines.finder.find(part, no_hook)
            answers = pipeline.engines.chooser.eliminate(part, inventory, texts)
            right.append(
                [
                    answer is not None
                    and bool(answer.objects)
                    and points_right(answer, inventory, {str(index): one["frames"].get(str(middle))})
                    for answer, one in zip(answers, sentences, strict=True)
                ]
            )
        for whole, short in zip(*right, strict=True):
            counts[OUTCOMES[whole, short]] += 1
        print(file, dict(counts), flush=True)
    report = {"seconds": options.seconds, "sentences": counts.total(), "right": dict(counts)}
    print(json.dumps(report, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

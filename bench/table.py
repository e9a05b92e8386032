"""The table of measurements in the README, in one go: `make bench`.

Each row sets this package against something else on the same weights, frames and core in the same run, in
turns: how many times the other one's processor time is ours, with the least and the most that a pair of
neighbouring runs showed. The last column is what the networks' operations (matrix products, convolutions and
attention as PyTorch counts them) come to of what the machine gives in a large matrix product of that type.

    python bench/table.py [--repeats 3] [--only PART_OF_A_NAME] [--more]

`--more` adds its pairs to those of the last run, for machines that are only quiet for a while.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers

import evaluation
import metrics
import soc
from gpu_clock import Bench, name_of, peaks, tera_operations
from refervid.core.types import no_hook
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.media.array import ArrayClip
from refervid.models.soc import Tokens
from sam2_tracker import iterate, moving_square, pivot, prepared, random_model
from soc_reference import reference_forward

README = Path(__file__).parent.parent / "README.md"
RESULTS = Path(__file__).parent / "results" / "table.json"
BEGIN, END = "<!-- make bench -->\n", "<!-- end of make bench -->\n"


@dataclass(frozen=True)
class Row:
    """`dtype` of the network's operations; None where no network runs, or several processes work.

    Where `timed`, the two return seconds of processor time themselves.
    """

    what: str
    against: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    dtype: torch.dtype | None = None
    timed: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="rows with this in their name; others keep their figures")
    parser.add_argument("--more", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(torch.device("cpu"), toy=False)
    report = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    report |= {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peaks": peaks(bench),
    }
    for row in wanted(options.only):
        before = report["rows"].get(row.what, {}).get("pairs_s", []) if options.more else []
        pairs = before + [pair(bench, row) for _ in range(options.repeats)]
        report["rows"][row.what] = figures(row, pairs, report["peaks"])
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")
        print(as_line(row.what, report["rows"][row.what]), flush=True)
    text = README.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(head + BEGIN + as_table(report["rows"]) + END + tail)


def wanted(part: str) -> Iterator[Row]:
    """Rows whose name holds `part`; groups without any are not even built."""
    for title, group in GROUPS.items():
        if part in title or title in part:
            yield from (row for row in group(title) if part in row.what)


def pair(bench: Bench, row: Row) -> tuple[float, float]:
    """Seconds of processor time: ours, then the other one's."""
    seconds: Callable[[Callable[[], Any]], float] = (lambda run: run()) if row.timed else bench.seconds
    return round(seconds(row.ours), 4), round(seconds(row.theirs), 4)


def figures(row: Row, pairs: list[tuple[float, float]], machine: dict[str, float]) -> dict[str, Any]:
    ratios = [theirs / ours for ours, theirs in pairs]
    found: dict[str, Any] = {
        "against": row.against,
        "pairs_s": pairs,
        "ratio": round(median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
        "load_average": round(os.getloadavg()[0], 1),
    }
    if row.dtype is not None:
        peak = machine[f"{name_of(row.dtype)}_tera_operations_per_s"]
        seconds = min(ours for ours, _ in pairs)
        found["share_of_peak"] = round(tera_operations(row.ours) / seconds / peak, 2)
    return found


def as_table(rows: dict[str, dict[str, Any]]) -> str:
    head = "| what | against | times as fast (least to most, pairs) | share of peak |\n|---|---|---|---|\n"
    return head + "".join(as_line(what, row) + "\n" for what, row in rows.items())


def as_line(what: str, row: dict[str, Any]) -> str:
    share = f"{row['share_of_peak']:.0%}" if "share_of_peak" in row else "-"
    spread = f"{row['least']:.2f} to {row['most']:.2f} in {len(row['pairs_s'])}"
    return f"| {what} | {row['against']} | {row['ratio']:.2f} ({spread}) | {share} |"


def sam2(
    title: str, size: str, side: int, dtype: torch.dtype, frames: int, counts: Sequence[int]
) -> Iterator[Row]:
    model = random_model(size, side)
    theirs = copy.deepcopy(model).to(dtype)
    tracker = Sam2Tracker(Network(model, torch.device("cpu"), dtype), Sam2Settings())
    pictures = moving_square(frames)
    pixels = prepared(pictures, side).to(dtype)
    for count in counts:
        objects = [[pivot(reference, frames)] for reference in range(count)]
        yield Row(
            f"{title}, {frames} frames, {count} reference{'s' if count > 1 else ''}",
            "transformers' session, one for each",
            lambda own=objects: tracker.track(ArrayClip(pictures), own, no_hook),
            lambda own=objects: [iterate(theirs, pixels, pivots) for pivots in own],
            dtype,
        )


def soc_rows(title: str) -> Iterator[Row]:
    model = soc.build("video-swin-t", "cpu")
    clip = torch.randn(1, 8, 3, 360, 640)
    ids = torch.tensor([soc.SENTENCE])
    one = Tokens(ids, torch.ones_like(ids, dtype=torch.bool))
    eight = Tokens(ids.repeat(8, 1), one.keep.repeat(8, 1))
    rows = torch.zeros(8, dtype=torch.long)
    with torch.no_grad():
        yield Row(
            f"{title}, one sentence",
            "the published formulation",
            lambda: model(clip, one),
            lambda: reference_forward(model, clip, one),
            torch.float32,
        )
        yield Row(
            f"{title}, eight sentences at once",
            "eight runs of our own",
            lambda: model(clip, eight, rows=rows),
            lambda: [model(clip, one) for _ in range(8)],
            torch.float32,
        )


def scores(title: str) -> Iterator[Row]:
    ids = metrics.made_up_ids()
    shifted = ids.copy()
    shifted[:, 3:, 5:] = ids[:, :-3, :-5]
    pairs = [(ids == number, shifted == number) for number in range(1, metrics.OBJECTS + 1)]
    yield Row(
        title,
        "the loop over objects and frames",
        lambda: [metrics.packed(*pair) for pair in pairs],
        lambda: [metrics.plain_loop(*pair) for pair in pairs],
    )


def evaluations(title: str) -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        one = partial(evaluation.one_process, data := evaluation.write_clips(Path(folder)))
        for name, run in (
            ("two shards at a time", evaluation.two_shards),
            ("one Ray actor", evaluation.ray_actor),
        ):
            yield Row(f"{title}, {name}", "one process", partial(run, data), one, timed=True)


GROUPS: dict[str, Callable[[str], Iterator[Row]]] = {
    "SAM 2 tracker, Hiera-S at 256 px, float32": partial(
        sam2, size="small", side=256, dtype=torch.float32, frames=12, counts=(1, 8, 16)
    ),
    "SAM 2 tracker, Hiera-T at 1024 px, bfloat16": partial(
        sam2, size="tiny", side=1024, dtype=torch.bfloat16, frames=4, counts=(1, 8)
    ),
    "SOC, Swin-T, 8 frames of 360x640, float32": soc_rows,
    "J and F of 480p masks": scores,
    f"Evaluation of {evaluation.CLIPS} short clips": evaluations,
}


if __name__ == "__main__":
    main()

"""Every network on a GPU: parity with the CPU and the published numbers, then speed and memory.

bash bench/gpu.sh 600                                             # what a person runs
PYTHONPATH=. python bench/gpu.py --device cpu --toy --seconds 60  # the same rows with toy networks, anywhere
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import transformers

import gpu_networks
import gpu_parity
import gpu_tracker
from gpu_clock import Bench, Row, peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=600, help="no row is begun after this")
    parser.add_argument("--toy", action="store_true", help="toy networks, to try the script itself")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "gpu.json")
    options = parser.parse_args()
    began = time.perf_counter()
    bench = Bench(torch.device(options.device), options.toy)
    # Everything called float32 here is float32.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    report: dict[str, Any] = {
        "device": bench.device_name or platform.machine(),
        "toy": options.toy,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rows": {},
        "left_out": [name for name, _ in rows(bench)],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for name, measure in rows(bench):
        if time.perf_counter() - began > options.seconds:
            break
        report["left_out"].remove(name)
        report["rows"][name] = outcome(measure)
        bench.free()
        report["seconds"] = round(time.perf_counter() - began, 1)
        options.output.write_text(json.dumps(report, indent=1) + "\n")
        print(f"{report['seconds']:6.1f} s  {name}: {report['rows'][name]}", flush=True)


def rows(bench: Bench) -> Iterator[Row]:
    """All that is to be measured, what matters most first."""
    trackers = gpu_tracker.TOYS if bench.toy else gpu_tracker.SIZES_IN_ORDER
    yield "peaks", lambda: peaks(bench)
    yield from gpu_parity.quick(bench)
    yield from gpu_tracker.against_transformers(bench, trackers[:2])
    yield from gpu_networks.soc(bench)
    yield from gpu_networks.grounding_dino(bench)
    yield from gpu_tracker.both_precisions(bench, trackers)
    yield from gpu_networks.both_precisions(bench)
    yield from gpu_tracker.against_transformers(bench, trackers[2:])
    yield from gpu_parity.slow(bench)


def outcome(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A row that fails says why and leaves the others theirs."""
    try:
        return measure()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500], "at": traceback.format_exc()[-800:]}


if __name__ == "__main__":
    main()

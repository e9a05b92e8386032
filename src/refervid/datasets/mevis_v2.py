"""MeViS v2 (Ding et al. 2025): MeViS' videos with more sentences, of which some mean nothing in the clip.

ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
ROOT/SPLIT/meta_expressions_v2.json     in `valid` meta_expressions_v2_release.json
ROOT/SPLIT/mask_dict.json               not in `valid`, whose masks are only on the server

A sentence that means nothing has an empty `anno_id`. The server's program is not public. N-acc and T-acc are
taken as GRES defines them, the final score as the challenge's results show it; that J and F are means over
all sentences, as in MeViS, is assumed.
"""

from __future__ import annotations

from pathlib import Path

from refervid.datasets.base import Scores
from refervid.datasets.item import Item
from refervid.datasets.mevis import Mevis
from refervid.datasets.scoring import frame_scores, means, measure_items, missing_notes, row_of, with_mean
from refervid.metrics.absence import absence_accuracies


class MevisV2(Mevis):
    """J and F as in MeViS, N-acc and T-acc, and the mean of J&F and both."""

    name = "mevis-v2"
    no_target = True

    @classmethod
    def _list_file(cls, folder: Path) -> Path:
        plain = folder / "meta_expressions_v2.json"
        if folder.name == "valid" and not plain.is_file():
            return folder / "meta_expressions_v2_release.json"
        return plain

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = measure_items(items, predictions, frame_scores, workers)
        rows = [
            row_of(item, with_mean(each.numbers.j.mean(), each.numbers.f.mean()), each.missing)
            for item, each in zip(items, measured, strict=True)
        ]
        n_acc, t_acc = absence_accuracies(
            [bool(each.numbers.true.any()) for each in measured],
            [bool(each.numbers.predicted.any()) for each in measured],
        )
        j_and_f = means(rows, ("J&F", "J", "F"))
        final = None if n_acc is None or t_acc is None else (j_and_f["J&F"] + n_acc + t_acc) / 3
        metrics = {**j_and_f, "N-acc": n_acc, "T-acc": t_acc, "final": final}
        return Scores(metrics, rows, missing_notes(items, measured))

"""What commands share that run a preset over a data set: until it is done, or until the budget is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from refervid.cli.console import console, progress_hook
from refervid.cli.spending import tell_spending
from refervid.core.counting import counted
from refervid.core.errors import BudgetExceeded

if TYPE_CHECKING:
    from refervid.pipelines.base import Pipeline


def run_within_budget(work: Callable[..., dict[str, Any]], pipeline: Pipeline) -> dict[str, Any]:
    """The scores that `work(hook=...)` comes to, with what was spent; of a run that was stopped, why."""
    failed = 0

    def count_failed(answers: Any) -> str:
        nonlocal failed
        failed += sum(answer.record["status"] == "failed" for answer in answers)
        return f"{failed} failed"

    try:
        with progress_hook(count_failed) as hook:
            scores = work(hook=hook)
    except BudgetExceeded as error:
        scores = {"complete": False, "failed": {}, "stopped": f"{error}, with --resume"}
    spent = pipeline.spending()
    tell_spending(spent)
    return scores if spent is None else {**scores, "spending": asdict(spent)}


def tell_run(scores: Mapping[str, Any]) -> None:
    """What is to be known of scores besides their numbers."""
    for note in scores.get("notes", ()):
        console.print(f"- {note}", markup=False)
    for name, message in scores.get("failed", {}).items():
        console.print(f"failed: {name}: {message.strip().splitlines()[-1]}", markup=False)
    if scores.get("failed"):
        console.print("failed items are tried again with --resume")
    if scores.get("submission"):
        console.print(f"for the server: {scores['submission']}", markup=False)
    if scores.get("pending"):
        pending = counted(scores["pending"], "item")
        console.print(f"{pending} of other shards to be done yet: no scores so far")
    if scores.get("stopped"):
        console.print(f"stopped: {scores['stopped']}", markup=False)

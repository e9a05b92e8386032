"""Every fault of the handbook has a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
NAMED = re.compile(r'"""[Ff]aults? (\d+(?:(?:, | and | to )\d+)*)')


def named(text: str) -> set[int]:
    """The numbers that docstrings begin with: "Faults 3, 4, 7 to 9 and 11"."""
    found: set[int] = set()
    for numbers in NAMED.findall(text):
        for part in re.split(", | and ", numbers):
            first, _, last = part.partition(" to ")
            found.update(range(int(first), int(last or first) + 1))
    return found


def test_numbers_are_read() -> None:
    assert named('"""Faults 3, 4, 7 to 9 and 11, and it"""\n"""Fault 2."""') == {2, 3, 4, 7, 8, 9, 11}


def test_every_fault_has_a_test_that_names_it(shared_dir: Path) -> None:
    handbook = (shared_dir / "handbook" / "faults.md").read_text("utf-8")
    faults = {int(number) for number in re.findall(r"^(\d+)\. ", handbook, flags=re.MULTILINE)}
    assert len(faults) >= 44
    assert (
        faults - set().union(*(named(path.read_text("utf-8")) for path in TESTS.rglob("test_*.py"))) == set()
    )

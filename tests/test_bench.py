"""The scripts of `bench/`, whose figures the documents give, still fit the package."""

import importlib
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
SCRIPTS = sorted(path.stem for path in BENCH.glob("*.py"))


@pytest.fixture
def beside_each_other(monkeypatch):
    """They import each other by bare names, as when one of them is run."""
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    before = set(sys.modules)
    yield
    for name in set(SCRIPTS) & (set(sys.modules) - before):
        del sys.modules[name]


@pytest.mark.parametrize("script", SCRIPTS)
def test_imports_only_what_there_is(script, beside_each_other):
    importlib.import_module(script)


def test_tries_thresholds_that_there_are(beside_each_other):
    bench = importlib.import_module("lite_thresholds")

    for name, values in bench.TRIED.items():
        assert bench.modules_with(name), name
        assert all(isinstance(getattr(one, name), float | int) for one in bench.modules_with(name)), name
        assert values


def test_leaves_out_numbers_that_there_are(beside_each_other):
    tried = importlib.import_module("lite_left_out").TRIED

    for name, (module, values) in tried.items():
        assert isinstance(getattr(module, name), float | int), name
        assert values

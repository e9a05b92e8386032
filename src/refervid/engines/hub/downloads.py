"""Getting checkpoints onto this machine, from the hub or from the address where they are published."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx

from refervid.config.environment import Environment
from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.files import atomic_file, drop_abandoned, storing_in
from refervid.core.manifest import mark_of
from refervid.engines.hub.checkpoints import (
    CHECKPOINTS,
    SMALL_FILES,
    Checkpoint,
    Pulled,
    note_pulled,
    only_by_hand,
    weight_files,
)

_COMMIT = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 20
_TIMEOUT_S = 60.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""System errors that say that files cannot be written, not that the hub cannot be reached."""


@dataclass(frozen=True)
class Download:
    """What `pull` is about to fetch: `files` with their sizes in bytes."""

    name: str
    revision: str | None
    files: Mapping[str, int]
    pulled: Pulled | None
    """What will be noted; None for single files, whose hash is in the table."""

    @property
    def size(self) -> int:
        return sum(self.files.values())


def plan_download(name: str) -> Download:
    """Ask what a hub id or a published file consists of; downloads nothing yet. Raises `MissingWeights`."""
    known = CHECKPOINTS.get(name)
    if known is not None and known.url is not None:
        return Download(name, None, {known.files[0]: known.size}, None)
    if by_hand := only_by_hand(name):
        raise MissingWeights(f"{name} is not on the hub: {by_hand}, or give its path with --set")
    if name.count("/") != 1:
        raise MissingWeights(f"{name!r} is neither a hub id like owner/model nor in `refervid models list`")
    info = _ask_hub(name)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings}
    weights = weight_files(sizes, known)
    if not weights:
        raise MissingWeights(f"{name} holds no safetensors or pytorch_model.bin that could be loaded safely")
    small = [file for file in sizes if any(fnmatch(file, pattern) for pattern in SMALL_FILES)]
    hashes = {
        file.rfilename: file.lfs.sha256 for file in info.siblings if file.rfilename in weights and file.lfs
    }
    pulled = Pulled(info.sha, {file: hashes.get(file, "") for file in weights})
    return Download(name, info.sha, {file: sizes[file] for file in [*weights, *small]}, pulled)


def pull(download: Download) -> Path:
    """Fetch it; an interrupted download goes on where it was. Raises `MissingWeights`, `BadCheckpoint`."""
    if download.pulled is None:
        return _fetch(CHECKPOINTS[download.name])
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE

    # Without a pinned commit the branch is asked for, so that other libraries find it by its name too.
    known = CHECKPOINTS.get(download.name)
    revision = known.revision if known else None
    try:
        folder = HfApi().snapshot_download(
            download.name, revision=revision, allow_patterns=list(download.files)
        )
    except Exception as error:  # which HTTP library fails depends on the hub library's version
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            with storing_in(Path(HF_HUB_CACHE), "HF_HOME"):
                raise
        raise _unreachable(download.name, error) from error
    if Path(folder).name != download.revision:
        raise MissingWeights(f"{download.name} changed on the hub during the download: pull it again")
    note_pulled(download.name, download.pulled)
    return Path(folder)


def _ask_hub(name: str) -> Any:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    known = CHECKPOINTS.get(name)
    try:
        info = HfApi().model_info(name, revision=known.revision if known else None, files_metadata=True)
    except HFValidationError as error:
        raise MissingWeights(f"{name!r} is no hub id: write it as owner/model") from error
    except Exception as error:  # which HTTP library fails depends on the hub library's version
        raise _unreachable(name, error) from error
    if not _COMMIT.fullmatch(info.sha or ""):
        raise MissingWeights(f"the hub names no commit of {name}: try again later")
    return info


def _fetch(known: Checkpoint) -> Path:
    """A single file from its address, kept only if its hash is right."""
    assert known.url is not None
    target = Environment().cache / "weights" / known.files[0]
    if target.exists():
        if mark_of(target)["sha256"] != known.sha256:
            raise BadCheckpoint(f"{target} is not the published file: move it away, and pull again")
        return target
    digest = hashlib.sha256()
    with storing_in(target.parent, "REFERVID_CACHE"), atomic_file(target) as part:
        drop_abandoned(target)
        with part.open("wb") as file:
            for block in _blocks(known):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != known.sha256:
            raise BadCheckpoint(f"{known.url} does not give the published file: get it from {known.page}")
    return target


def _blocks(known: Checkpoint) -> Iterator[bytes]:
    """What the address of a single file gives, up to a block more than it should. Raises `MissingWeights`."""
    assert known.url is not None
    size = 0
    try:
        with httpx.stream("GET", known.url, timeout=_TIMEOUT_S, follow_redirects=True) as answer:
            answer.raise_for_status()
            for block in answer.iter_bytes(_CHUNK):
                size += len(block)
                yield block
                if size > known.size:
                    return
    except httpx.HTTPError as error:
        raise _unreachable(known.name, error) from error


def _unreachable(name: str, error: Exception) -> MissingWeights:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        advice = "accept its terms on its hub page and log in with `hf auth login`"
    elif isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        advice = "check the name; private ones need `hf auth login`"
    else:
        advice = "check the connection, or copy the folder from another machine and set REFERVID_WEIGHTS"
    reason = str(error).strip().split("\n")[0]
    return MissingWeights(f"{name} cannot be downloaded ({type(error).__name__}: {reason}): {advice}")

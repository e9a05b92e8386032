"""Small files that claim or unpack to enormous contents, or lead into others, are refused."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from refervid.core.errors import BadCheckpoint, DatasetError
from refervid.datasets.a2d_sentences import H5Truth
from refervid.datasets.jhmdb_sentences import MatTruth, _shape
from refervid.datasets.rle import Rle, RleTruth
from refervid.models.state import read_file

HUGE = 400_000_000
"""Bytes that none of these files may make the process take."""


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _zip_bomb(path: Path) -> Path:
    """A checkpoint of 400 kB whose one tensor unpacks to 400 MB."""
    torch.save({"x": torch.zeros(16)}, path.with_name("small.pt"))
    with zipfile.ZipFile(path.with_name("small.pt")) as small, zipfile.ZipFile(path, "w") as bomb:
        for entry in small.infolist():
            content = small.read(entry)
            if entry.filename.endswith("data/0"):
                content = bytes(HUGE)
            elif entry.filename.endswith("data.pkl"):
                content = content.replace(b"K\x10tq", b"J" + struct.pack("<i", HUGE // 4) + b"tq")
            bomb.writestr(entry.filename, content, zipfile.ZIP_DEFLATED)
    return path


def test_a_checkpoint_that_unpacks_to_more_than_it_has(tmp_path: Path) -> None:
    path = _zip_bomb(tmp_path / "bomb.pt")
    assert path.stat().st_size < HUGE / 500
    code = (
        "import resource, sys; from pathlib import Path; from refervid.models.state import read_file\n"
        "import torch; torch.zeros(1)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_file(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, 'unpacks to' in str(error))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    kind, grown = done.stdout.splitlines()
    assert kind == "BadCheckpoint True"
    assert int(grown) * 1024 < HUGE / 2


def test_a_checkpoint_as_pytorch_writes_it_is_read(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1000)}, tmp_path / "a.pt")
    assert read_file(tmp_path / "a.pt")["x"].shape == (1000,)


def test_entries_that_share_their_bytes_are_a_bomb_too(tmp_path: Path) -> None:
    """Not compressed, but listed many times: the directory is written again over the same content."""
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data/0", bytes(1_000_000))
        entry = archive.infolist()[0]
        for number in range(1, 100):
            again = zipfile.ZipInfo(f"archive/data/{number}")
            again.header_offset, again.CRC = entry.header_offset, entry.CRC
            again.file_size = again.compress_size = entry.file_size
            archive.filelist.append(again)
    with pytest.raises(BadCheckpoint, match="unpacks to 100000000 bytes"):
        read_file(path)


def _mat_bomb(path: Path) -> Path:
    """A Matlab file that says 10x10x3, and whose compressed data are 400 MB."""
    savemat(path, {"part_mask": np.zeros((10, 10, 3), np.uint8)}, do_compression=True)
    raw = path.read_bytes()
    (length,) = struct.unpack("<I", raw[132:136])
    body = zlib.decompress(raw[136 : 136 + length])
    head = body[: body.rfind(struct.pack("<II", 2, 300))]
    body = head + struct.pack("<II", 2, HUGE) + bytes(HUGE)
    packed = zlib.compress(struct.pack("<II", 14, len(body) - 8) + body[8:], 9)
    path.write_bytes(raw[:128] + struct.pack("<II", 15, len(packed)) + packed)
    return path


def test_a_matlab_file_that_unpacks_to_more_than_masks(tmp_path: Path) -> None:
    path = _mat_bomb(tmp_path / "puppet_mask.mat")
    before = _peak_kilobytes()
    with pytest.raises(DatasetError, match="unpacks to more"):
        MatTruth(path, (0,)).at(0)
    assert (_peak_kilobytes() - before) * 1024 < HUGE


def test_a_matlab_file_that_claims_many_masks(tmp_path: Path) -> None:
    path = tmp_path / "puppet_mask.mat"
    savemat(path, {"part_mask": np.zeros((1, 1, 3), np.uint8)})
    raw = bytearray(path.read_bytes())
    at = raw.find(struct.pack("<III", 1, 1, 3))
    raw[at : at + 12] = struct.pack("<III", 1000, 1000, 10**9)
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match="claims 1000000000 masks"):
        _shape(path)


def _h5(path: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["instance"] = np.array([1])
        file["reMask"] = np.ones((4, 6), np.uint8)
    return path


def test_an_hdf5_file_that_claims_what_was_never_stored(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = _h5(tmp_path / "00001.h5")
    assert H5Truth((path,), 1).at(0)[0].shape == (6, 4)
    with h5py.File(path, "a") as file:
        del file["reMask"]
        file.create_dataset("reMask", (10**6, 10**6), np.uint8, chunks=(1000, 1000), fillvalue=1)
    assert path.stat().st_size < 10**5
    with pytest.raises(DatasetError, match="no plain array"):
        H5Truth((path,), 1).at(0)


@pytest.mark.parametrize("kind", ["link", "soft link", "external", "virtual", "group"])
def test_an_hdf5_file_that_leads_elsewhere(tmp_path: Path, kind: str) -> None:
    h5py = pytest.importorskip("h5py")
    secret = _h5(tmp_path / "secret.h5")
    (tmp_path / "secret.txt").write_bytes(bytes(range(24)))
    path = _h5(tmp_path / "00001.h5")
    with h5py.File(path, "a") as file:
        del file["reMask"]
        if kind == "link":
            file["reMask"] = h5py.ExternalLink(str(secret), "reMask")
        elif kind == "soft link":
            file["reMask"] = h5py.SoftLink("/instance")
        elif kind == "external":
            place = [(str(tmp_path / "secret.txt"), 0, 24)]
            file.create_dataset("reMask", (4, 6), np.uint8, external=place)
        elif kind == "virtual":
            layout = h5py.VirtualLayout((4, 6), np.uint8)
            layout[:] = h5py.VirtualSource(str(secret), "reMask", (4, 6))
            file.create_virtual_dataset("reMask", layout)
        else:
            file.create_group("reMask")
    with pytest.raises(DatasetError):
        H5Truth((path,), 1).at(0)


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ((10**6, 10**6), "PPPPPPP1"),
        ((10**9, 10**9), "0"),
        ((0, 5), "0"),
        ((-4, -6), "h0"),
        ((4, 6), "g0"),  # 23 of 24 pixels
        ((4, 6), "i0"),  # 25 of them
        ((4, 6), ""),
        ((4, 6), "\x00"),
    ],
)
def test_run_lengths_of_a_wrong_size(tmp_path: Path, size: tuple[int, int], counts: str) -> None:
    truth = RleTruth(tmp_path / "mask_dict.json", 4, 6, ((Rle(size=size, counts=counts),),))
    with pytest.raises(DatasetError, match="mask"):
        truth.at(0)

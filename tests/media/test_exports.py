"""Exported tracks come back the same through the readers that others would use."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from refervid.core.errors import SettingsError, UnsafeName
from refervid.core.track import Track
from refervid.media.array import ArrayClip
from refervid.media.contact_sheet import contact_sheet
from refervid.media.exports import EXPORTS, NamedTrack, export
from refervid.media.opening import open_clip
from refervid.media.palette import voc_palette
from refervid.media.pictures import decode_jpeg, encode_jpeg, id_map
from tests.clips import numbered_frames

FRAMES, HEIGHT, WIDTH = 9, 97, 129


@pytest.fixture
def clip() -> ArrayClip:
    return ArrayClip(numbered_frames(FRAMES, HEIGHT, WIDTH), name="my clip")


@pytest.fixture
def tracks() -> list[NamedTrack]:
    """Two overlapping blocks that move; the second is away on odd frames."""
    first, second = Track(FRAMES, HEIGHT, WIDTH), Track(FRAMES, HEIGHT, WIDTH)
    for index in range(FRAMES):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[30:60, 10 + index : 50 + index] = True
        first[index] = mask
        if index % 2 == 0:
            second[index] = np.roll(mask, (20, 20), (0, 1))
    first.presence[:] = 0.5
    return [
        NamedTrack("the-cup", "the cup", first, [first]),
        NamedTrack("der-ball", "der Bäll", second, [second]),
    ]


def test_masks_are_grey_pictures_of_0_and_255(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("masks", tmp_path, clip, tracks)
    for named in tracks:
        files = sorted((tmp_path / "masks" / named.slug).iterdir())
        assert [file.name for file in files] == [f"{index:05d}.png" for index in range(FRAMES)]
        for index, file in enumerate(files):
            picture = Image.open(file)
            assert picture.mode == "L"
            np.testing.assert_array_equal(np.asarray(picture), named.track[index] * np.uint8(255))


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        (("frame_5.png", "frame_10.png"), ("frame_5", "frame_10")),
        (("1.png", "1.jpg"), ("00000", "00001")),
    ],
)
def test_pictures_of_a_folder_keep_their_names(
    tmp_path: Path, pictures: tuple[str, ...], names: tuple[str, ...]
) -> None:
    (tmp_path / "clip").mkdir()
    for name in pictures:
        Image.fromarray(numbered_frames(1, HEIGHT, WIDTH)[0]).save(tmp_path / "clip" / name)
    track = Track(2, HEIGHT, WIDTH)
    track[1] = np.ones((HEIGHT, WIDTH), bool)
    clip, named = open_clip(tmp_path / "clip"), [NamedTrack("it", "it", track, [track])]
    for kind, folder in (
        ("masks", "masks/it"),
        ("davis-png", "davis/Annotations/480p/clip"),
        ("youtube-vos", "youtube-vos/Annotations/clip"),
    ):
        export(kind, tmp_path, clip, named)
        assert {file.stem for file in (tmp_path / folder).iterdir()} == set(names)
        assert np.asarray(Image.open(tmp_path / folder / f"{names[1]}.png")).all()
    meta = json.loads((tmp_path / "youtube-vos" / "meta.json").read_text())
    assert meta["videos"]["clip"]["objects"]["1"]["frames"] == [names[1]]


def test_coco_rle_is_read_by_pycocotools(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    export("coco-rle", tmp_path, clip, tracks)
    document = json.loads((tmp_path / "coco_rle.json").read_text("utf-8"))
    assert document["videos"][0]["length"] == FRAMES
    assert [category["name"] for category in document["categories"]] == ["the cup", "der Bäll"]
    for named, annotation in zip(tracks, document["annotations"], strict=True):
        for index in range(FRAMES):
            rle, box = annotation["segmentations"][index], annotation["bboxes"][index]
            if not named.track[index].any():
                assert rle is box is annotation["areas"][index] is None
                continue
            np.testing.assert_array_equal(coco.decode(rle).astype(bool), named.track[index])
            assert box == coco.toBbox(rle).tolist()
            assert annotation["areas"][index] == coco.area(rle)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [("davis-png", "davis/Annotations/480p/my clip"), ("youtube-vos", "youtube-vos/Annotations/my clip")],
)
def test_id_maps_are_indexed_pictures(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack], kind: str, folder: str
) -> None:
    export(kind, tmp_path, clip, tracks)
    first, second = (named.track for named in tracks)
    for index in range(FRAMES):
        picture = Image.open(tmp_path / folder / f"{index:05d}.png")
        assert picture.mode == "P"
        assert picture.getpalette()[:9] == voc_palette()[:3].ravel().tolist()
        ids = np.asarray(picture)
        np.testing.assert_array_equal(ids == 1, first[index])
        np.testing.assert_array_equal(ids == 2, second[index] & ~first[index])


def test_youtube_vos_lists_the_frames_of_each_object(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("youtube-vos", tmp_path, clip, tracks)
    root = tmp_path / "youtube-vos"
    objects = json.loads((root / "meta.json").read_text("utf-8"))["videos"]["my clip"]["objects"]
    assert objects["2"] == {"category": "der Bäll", "frames": ["00000", "00002", "00004", "00006", "00008"]}
    assert len(objects["1"]["frames"]) == FRAMES


def test_npz_needs_no_pickle(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    export("npz", tmp_path, clip, tracks)
    for named in tracks:
        with np.load(tmp_path / "npz" / f"{named.slug}.npz", allow_pickle=False) as arrays:
            masks = arrays["masks"]
            assert masks.dtype == bool
            np.testing.assert_array_equal(masks, named.track.stack())
            np.testing.assert_array_equal(arrays["boxes_xyxy"], named.track.boxes_xyxy())
            np.testing.assert_array_equal(arrays["times_s"], clip.times_s)
            np.testing.assert_array_equal(arrays["presence"], named.track.presence)


def test_packed_npz_holds_the_same_in_an_eighth(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("npz-packed", tmp_path, clip, tracks)
    for named in tracks:
        with np.load(tmp_path / "npz-packed" / f"{named.slug}.npz", allow_pickle=False) as arrays:
            masks = np.unpackbits(arrays["masks"], axis=-1, count=int(arrays["width"])).astype(bool)
            np.testing.assert_array_equal(masks, named.track.stack())


def test_transparency_survives_vp9(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    export("alpha-webm", tmp_path, clip, tracks)
    for named in tracks:
        with av.open(str(tmp_path / "alpha" / f"{named.slug}.webm")) as container:
            # The decoder that libav takes by itself leaves transparency out.
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            packets = container.demux(container.streams.video[0])
            frames = [frame for packet in packets for frame in decoder.decode(packet)]
        assert [round(frame.time * 1000) for frame in frames] == [40 * i for i in range(FRAMES)]
        for index, frame in enumerate(frames):
            plane = np.frombuffer(frame.planes[3], np.uint8).reshape(frame.height, -1)
            opaque = plane[:HEIGHT, :WIDTH] > 127
            mask = named.track[index]
            assert (opaque & mask).sum() >= 0.98 * (opaque | mask).sum()


def test_the_contact_sheet_shows_masks_of_the_whole_clip(clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    sheet = contact_sheet(clip, [named.track for named in tracks])
    plain = contact_sheet(clip, [])
    assert all(
        (a != b).any() for a, b in zip(np.array_split(sheet, 3), np.array_split(plain, 3), strict=True)
    )
    assert sheet.shape[1] == contact_sheet(ArrayClip(numbered_frames(1)), []).shape[1] == 1280


@pytest.mark.parametrize(("height", "width"), [(200, 1), (2000, 3), (3, 2000), (1, 1)])
def test_the_contact_sheet_holds_frames_of_any_shape(height: int, width: int) -> None:
    frames = np.full((3, height, width, 3), (0, 250, 0), np.uint8)
    sheet = contact_sheet(ArrayClip(frames), [])
    assert 0.02 * sheet.shape[1] < sheet.shape[0] < 3 * sheet.shape[1]
    assert decode_jpeg(encode_jpeg(sheet)).shape == sheet.shape
    green = (sheet == (0, 250, 0)).all(axis=2)
    # Three frames beside each other, whole ones.
    runs = np.flatnonzero(np.diff(green.any(axis=0).astype(int), prepend=0) == 1)
    assert len(runs) == 3


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_form_says_before_what_its_files_will_be(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack], kind: str
) -> None:
    export(kind, tmp_path, clip, tracks)
    frames = [clip.frame_name(index) for index in range(len(clip))]
    said = EXPORTS[kind].files(clip.name, frames, [named.slug for named in tracks])
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(said) == sorted(written)


def test_a_clip_s_name_cannot_leave_the_folder(tmp_path: Path, tracks: list[NamedTrack]) -> None:
    clip = ArrayClip(numbered_frames(FRAMES, HEIGHT, WIDTH), name="../../up")
    for kind in ("davis-png", "youtube-vos"):
        with pytest.raises(UnsafeName):
            export(kind, tmp_path / "out", clip, tracks)
    assert not (tmp_path.parent / "up").exists()


def test_symbolic_links_in_the_output_are_refused(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "masks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeName, match="symbolic link"):
        export("masks", out, clip, tracks)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_more_objects_than_ids_are_refused(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    with pytest.raises(SettingsError, match="255"):
        export("davis-png", tmp_path, clip, tracks * 128)


def test_the_first_object_keeps_what_two_claim() -> None:
    one, two = np.zeros((2, 2, 3), bool)
    one[:, :2], two[:, 1:] = True, True
    assert id_map([one, two], 2, 3).tolist() == [[1, 1, 2]] * 2

"""Faults 1, 2, 5, 6, 30, 31: files that are missing, no media, without pictures, or hostile."""

from __future__ import annotations

import http.server
import os
import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from refervid.core.errors import (
    EmptyClip,
    MediaError,
    MediaNotFound,
    NoAudioStream,
    NoVideoStream,
    UnreadableMedia,
)
from refervid.media.audio import read_waveform
from refervid.media.opening import open_clip
from tests.clips import (
    cut,
    frame_number,
    numbered_frames,
    tone,
    write_pictures,
    write_play_list,
    write_video,
    write_wav,
)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound, match=r"nowhere\.mp4 does not exist") as caught:
        open_clip(tmp_path / "nowhere.mp4")
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound, match="does not exist"):
        open_clip(tmp_path / "nowhere.jpg")


def test_a_folder_without_pictures_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound, match=r"holds no \.jpg or \.png.*the path of a video"):
        open_clip(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_not_found(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(2))
    path.chmod(0)
    with pytest.raises(MediaNotFound, match="permission denied"):
        open_clip(path)


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(MediaNotFound, match="not a file"):
        open_clip(tmp_path / "a.mp4")


@pytest.mark.parametrize("content", [b"", b"hello\n" * 100, np.random.default_rng(0).bytes(5000)])
def test_an_empty_text_or_random_file_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UnreadableMedia, match=r"a\.mp4"):
        open_clip(tmp_path / "a.mp4")


@pytest.mark.parametrize("kind", ["webp", "bmp", "tiff"])
def test_a_picture_of_another_format_is_told_which_are_read(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / f"a.{kind}")
    with pytest.raises(UnreadableMedia, match=r"of pictures, \.jpg and \.png are read"):
        open_clip(tmp_path / f"a.{kind}")


@pytest.mark.parametrize("keep", [0.1, 0.4, 0.7, 0.9])
def test_an_mp4_cut_before_or_in_its_index_is_unreadable(tmp_path: Path, keep: float) -> None:
    path = cut(write_video(tmp_path / "a.mp4", numbered_frames(30)), keep)
    with pytest.raises(UnreadableMedia):
        open_clip(path)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_what_is_no_picture_is_left_out_and_named(tmp_path: Path, content: bytes) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(2))
    (folder / "1.png").write_bytes(content)
    clip = open_clip(folder)
    assert len(clip) == 1
    assert any("1.png" in note for note in clip.notes)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_broken_picture_is_unreadable_and_named(tmp_path: Path, content: bytes) -> None:
    folder = write_pictures(tmp_path / "frames", numbered_frames(2))
    (folder / "1.png").write_bytes(content)
    clip = open_clip(folder)
    with pytest.raises(UnreadableMedia, match=r"1\.png"):
        clip.frame(1)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_cut_short_is_unreadable_and_named(tmp_path: Path, suffix: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    cut(write_pictures(tmp_path / "frames", noise, suffix) / f"0{suffix}", keep)
    with pytest.raises(UnreadableMedia, match=rf"0\{suffix}"):
        open_clip(tmp_path / "frames")


def test_a_video_of_one_frame_works(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(1, first=5)))
    assert (len(clip), clip.times_s.tolist(), clip.complete) == (1, [0.0], True)
    assert frame_number(clip.frame(0)) == 5


def test_a_video_without_one_decodable_frame_is_empty(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", numbered_frames(4), codec="ffv1", gop=1)
    data = bytearray(path.read_bytes())
    start = data.index(bytes.fromhex("1f43b675"))  # the first Matroska cluster
    for at in range(start + 60, len(data) - 400):
        data[at] = 0
    path.write_bytes(data)
    with pytest.raises(EmptyClip, match="not one of its frames"):
        open_clip(path)


def test_a_sound_file_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(NoVideoStream, match="no moving pictures"):
        open_clip(write_wav(tmp_path / "a.wav", tone(1)))


def test_a_song_with_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    cover = cv2.imencode(".png", np.zeros((32, 32, 3), np.uint8))[1].tobytes()
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("mp3", rate=44_100)
        picture = container.add_stream("png", rate=1)
        picture.width = picture.height = 32
        picture.pix_fmt = "rgb24"
        picture.disposition = av.stream.Disposition.attached_pic
        container.start_encoding()
        packet = av.Packet(cover)
        packet.stream = picture
        packet.pts = packet.dts = 0
        container.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152 * 4), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        for resampled in av.AudioResampler("fltp", "stereo", 44_100, 1152).resample(frame):
            container.mux(sound.encode(resampled))
        container.mux(sound.encode(None))
    with pytest.raises(NoVideoStream):
        open_clip(path)


def test_a_video_without_sound_says_how_to_pass_one(tmp_path: Path) -> None:
    clip = open_clip(write_video(tmp_path / "a.mp4", numbered_frames(3)))
    assert not clip.has_audio
    with pytest.raises(NoAudioStream, match=r"`audio` \(--audio\)"):
        clip.waveform()


def test_a_silent_video_as_outside_sound_is_refused_at_once(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(3))
    with pytest.raises(NoAudioStream):
        open_clip(path, audio=path)


@pytest.mark.parametrize("name", ["list.mp4", "list.ffconcat", "list.txt", "list.m3u8", "list.jpg"])
def test_a_video_that_names_another_local_file_is_refused(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "secret.mp4", numbered_frames(3))
    attack = write_play_list(tmp_path / name, "secret.mp4")
    with av.open(str(attack)) as unguarded:
        assert unguarded.format.name == "concat", "the attack itself does not work, so nothing is shown"
    with pytest.raises(UnreadableMedia):
        open_clip(attack)
    with pytest.raises(UnreadableMedia):
        read_waveform(attack)


@pytest.mark.parametrize("kind", ["hls", "sdp", "dash"])
def test_other_play_lists_are_refused(tmp_path: Path, kind: str) -> None:
    secret = write_video(tmp_path / "secret.ts", numbered_frames(3))
    text = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "dash": f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file://{secret}</BaseURL></MPD>',
    }[kind]
    (tmp_path / "list.mp4").write_text(text)
    with pytest.raises(UnreadableMedia):
        open_clip(tmp_path / "list.mp4")


def test_an_address_is_not_dialled(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}/a.mp4"
        play_list = tmp_path / "a.mp4"
        play_list.write_text(f"ffconcat version 1.0\nfile 'http://{address}'\n")
        for source in (f"http://{address}", f"tcp://{address}", play_list):
            with pytest.raises(MediaError):
                open_clip(source)
            with pytest.raises(MediaError):
                read_waveform(source)
        server.shutdown()
    assert asked == []

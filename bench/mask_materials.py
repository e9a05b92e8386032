"""Gather the pictures that the mask decoder is trained on, from Debian's packages, into a folder.

    python bench/mask_materials.py materials          # needs apt-get and dpkg-deb, and Pillow
    refervid train masks --config mask-decoder -o out/mask-decoder

Cut-outs: openclipart-png (public domain), fonts-noto-color-emoji (OFL, Apache-2.0). Photographs:
plasma-workspace-wallpapers, lomiri-wallpapers (CC BY-SA), mate-backgrounds (GPL-2), and the pictures inside
gcompris-qt-data (GPL-3, AGPL-3 and Creative Commons).
"""

from __future__ import annotations

import argparse
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PACKAGES = (
    "openclipart-png",
    "fonts-noto-color-emoji",
    "plasma-workspace-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "gcompris-qt-data",
)
WALLPAPERS = (
    *("BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow"),
    *("FallenLeaf", "Kite", "OneStandsOut", "Path", "Volna"),
)
BACKGROUNDS = (
    *("Bridge_by", "Dragonfly_by", "Kleiber_by", "Picture_0B", "Picture_1A", "Wine_by", "aitzgorri"),
    *("free_by", "friends_by", "greentock", "life_by", "picosdeeuropa", "seeding_by", "sunset_by"),
)
"""Those that are photographs."""
GCOMPRIS = ("categorization", "explore_monuments", "explore_farm", "explore_world", "erase", "details")
EMOJI = (*range(0x2600, 0x27C0), *range(0x1F300, 0x1FB00))


def unpack(folder: Path) -> Path:
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    return folder / "root/usr/share"


def shapes(share: Path, out: Path) -> None:
    shutil.copytree(share / "openclipart/png", out / "clip-art")
    (out / "emoji").mkdir()
    font = ImageFont.truetype(str(share / "fonts/truetype/noto/NotoColorEmoji.ttf"), 109)
    for code in EMOJI:
        picture = Image.new("RGBA", (136, 128))
        ImageDraw.Draw(picture).text((0, 0), chr(code), font=font, embedded_color=True)
        if picture.getbbox():
            picture.save(out / f"emoji/{code:x}.png")


def photos(share: Path, out: Path) -> None:
    target = out / "photos"
    target.mkdir()
    for name in WALLPAPERS:
        files = [*(share / "wallpapers" / name / "contents/images").glob("*.jpg")]
        if files:
            shutil.copy(max(files, key=lambda file: file.stat().st_size), target / f"{name}.jpg")
    for file in (share / "backgrounds").rglob("*.jpg"):
        if file.name.startswith(BACKGROUNDS) or file.parent.name == "nature":
            shutil.copy(file, target)
    for file in (share / "gcompris-qt/rcc").glob("*.rcc"):
        if file.name.startswith(GCOMPRIS):
            data = file.read_bytes()
            for match in re.finditer(b"RIFF....WEBP", data, re.DOTALL):
                [length] = struct.unpack("<I", data[match.start() + 4 : match.start() + 8])
                end = match.start() + 8 + length
                (target / f"{file.stem}_{match.start()}.webp").write_bytes(data[match.start() : end])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        share = unpack(Path(folder))
        shapes(share, out)
        photos(share, out)


if __name__ == "__main__":
    main()

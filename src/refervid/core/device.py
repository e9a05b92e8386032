"""Choosing where to compute."""

from __future__ import annotations

from refervid.core.arguments import need_word
from refervid.core.counting import counted
from refervid.core.errors import DeviceError, SettingsError


def resolve_device(wanted: str) -> tuple[str, str | None]:
    """`(device, note)` for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; the note says why `auto` chose the CPU.

    Raises `SettingsError` for any other word, `DeviceError` if the device is not there: only `auto` may fall
    back.
    """
    need_word("device", wanted)
    import torch  # heavy, and not needed to show help

    if wanted == "cpu":
        return "cpu", None
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda:0", None
        if torch.backends.mps.is_available():
            return "mps", None
        return "cpu", "no GPU found: computing on the CPU"
    kind, _, number = wanted.partition(":")
    if kind not in ("cuda", "mps") or (number and not number.isdecimal()):
        raise SettingsError(f"device {wanted!r}: use auto, cpu, cuda, cuda:N or mps")
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError("device 'mps' is not available on this machine; use --device auto or cpu")
        return "mps", None
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(number or 0)
    if index >= count:
        raise DeviceError(
            f"device {wanted!r}: this machine offers {counted(count, 'CUDA device')} to this torch "
            f"({torch.__version__}); use --device auto or cpu"
        )
    return f"cuda:{index}", None

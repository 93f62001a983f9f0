"""Ask callgrind, from inside, to count between two points.

Valgrind listens for a sequence of instructions that does nothing on a real processor. It is a macro
of C; here its bytes are laid into a page of memory and called, so that no compiled extension is
needed. Counting is off except between the points, since a counted program is fifty times slower.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
from pathlib import Path

# mov rax, rdi; xor edx, edx; rol rdi by 3, 13, 61 and 51 (in all nothing); xchg rbx, rbx;
# mov rax, rdx; ret
_X86_64 = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
_CODE = {"x86_64": _X86_64, "amd64": _X86_64}

_RUNNING = 0x1001
_CALLGRIND = (ord("C") << 24) | (ord("T") << 16)
_ZERO, _DUMP_AT, _ON, _OFF = (_CALLGRIND + number for number in (1, 3, 4, 5))


class Callgrind:
    """The counter; making one fails where the process does not run under callgrind."""

    def __init__(self) -> None:
        code = _CODE.get(platform.machine().lower())
        if code is None:
            raise RuntimeError(f"instructions are not counted on {platform.machine()}")
        self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=7)  # read, write and execute
        self._page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        self._call = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)
        if not self._ask(_RUNNING):
            raise RuntimeError("this process does not run under valgrind")
        self._empty = 0
        for _ in range(3):  # the first passages fill caches of the interpreter
            self.start()
            self._empty = self._counted()

    def _ask(self, request: int, argument: int = 0) -> int:
        words = (ctypes.c_uint64 * 6)(request, argument)
        answer: int = self._call(ctypes.addressof(words))
        return answer

    def start(self) -> None:
        """Count from here."""
        self._ask(_ZERO)
        self._ask(_ON)

    def stop(self) -> int:
        """Return the instructions since the start, without those of starting and stopping."""
        return max(0, self._counted() - self._empty)

    def _counted(self) -> int:
        self._ask(_OFF)
        label = ctypes.create_string_buffer(b"slice")
        self._ask(_DUMP_AT, ctypes.addressof(label))
        return _newest_total(Path(f"{os.environ['AVA_GATE_CALLGRIND']}.{os.getpid()}"))


def _newest_total(stem: Path) -> int:
    """Read the count out of the last dump, and drop all dumps."""
    dumps = sorted(stem.parent.glob(f"{stem.name}.*"), key=lambda path: int(path.suffix[1:] or 0))
    text = dumps[-1].read_text(encoding="utf-8", errors="replace")
    for path in dumps:
        path.unlink()
    counts = [line.split()[1] for line in text.splitlines() if line.startswith("totals:")]
    if not counts or not int(counts[0]):
        raise RuntimeError("callgrind counted nothing; is it the tool that runs this process?")
    return int(counts[0])

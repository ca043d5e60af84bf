"""Write a Windows DLL that holds no code, only exports which name functions of other DLLs.

Wine before 9 has no bcryptprimitives.dll, which every extension written in Rust loads
(pydantic-core, cryptography). Its one function is another name for a function that Wine has.
Layout: Microsoft's "PE Format", sections "Optional Header" and "Export Directory Table".
"""

from __future__ import annotations

import struct
from itertools import accumulate

FILE_ALIGNMENT = 0x200
SECTION_ALIGNMENT = 0x1000
SECTION_ADDRESS = SECTION_ALIGNMENT
AMD64 = 0x8664
DLL_FOR_LARGE_ADDRESSES = 0x2000 | 0x0020 | 0x0002
PE32_PLUS = 0x20B
WINDOWS_GUI = 2
INITIALIZED_READABLE = 0x40000040
DIRECTORIES = 16
OPTIONAL_HEADER_SIZE = 112 + 8 * DIRECTORIES
EXPORT_DIRECTORY = struct.Struct("<IIHHIIIIIII")


def forwarder(name: str, exports: dict[str, str]) -> bytes:
    """Build the DLL: ``exports`` maps each exported name to ``dll.function``."""
    section = export_section(name, dict(sorted(exports.items())))
    headers = b"".join([dos_header(), coff_header(), optional_header(section), table(section)])
    return aligned(headers) + aligned(section)


def export_section(name: str, exports: dict[str, str]) -> bytes:
    """Lay out directory, address table, name table, ordinals and the strings they point to."""
    count = len(exports)
    functions = SECTION_ADDRESS + EXPORT_DIRECTORY.size
    names = functions + 4 * count
    ordinals = names + 4 * count
    strings = [text.encode("ascii") + b"\0" for text in (name, *exports.values(), *exports)]
    addresses = list(accumulate(map(len, strings), initial=ordinals + 2 * count))
    directory = EXPORT_DIRECTORY.pack(
        *(0, 0, 0, 0, addresses[0]),
        *(1, count, count, functions, names, ordinals),
    )
    pointers = struct.pack(f"<{2 * count}I", *addresses[1 : 2 * count + 1])
    return directory + pointers + struct.pack(f"<{count}H", *range(count)) + b"".join(strings)


def dos_header() -> bytes:
    """Give the 64 bytes whose last four say where the PE signature is: right after."""
    return b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)


def coff_header() -> bytes:
    """Give signature and file header: one section, no symbols, no time stamp."""
    return b"PE\0\0" + struct.pack(
        "<HHIIIHH", AMD64, 1, 0, 0, 0, OPTIONAL_HEADER_SIZE, DLL_FOR_LARGE_ADDRESSES
    )


def optional_header(section: bytes) -> bytes:
    """Give the image's sizes and, of its sixteen directories, the one for exports."""
    standard = struct.pack("<HBBIIIII", PE32_PLUS, 14, 0, 0, len(section), 0, 0, 0)
    windows = struct.pack(
        "<QIIHHHHHHIIIIHHQQQQII",
        *(0x180000000, SECTION_ALIGNMENT, FILE_ALIGNMENT),
        *(6, 0, 0, 0, 6, 0),  # versions: system, image, subsystem
        *(0, SECTION_ADDRESS + SECTION_ALIGNMENT, FILE_ALIGNMENT, 0),
        *(WINDOWS_GUI, 0),
        *(0x100000, 0x1000, 0x100000, 0x1000),  # stack and heap, reserved and committed
        *(0, DIRECTORIES),
    )
    exports = struct.pack("<II", SECTION_ADDRESS, len(section))
    return standard + windows + exports.ljust(8 * DIRECTORIES, b"\0")


def table(section: bytes) -> bytes:
    """Give the header of the one section."""
    return struct.pack(
        "<8sIIIIIIHHI",
        b".edata",
        *(len(section), SECTION_ADDRESS, len(aligned(section)), FILE_ALIGNMENT),
        *(0, 0, 0, 0, INITIALIZED_READABLE),
    )


def aligned(data: bytes) -> bytes:
    """Fill up with zeros to the file's alignment."""
    return data.ljust(-(-len(data) // FILE_ALIGNMENT) * FILE_ALIGNMENT, b"\0")

"""The XDP object that Debian's libknot13 carries inside its library: an ELF file of machine BPF in another one's data."""
import struct
from pathlib import Path

MAGIC = b"\x7fELF\x02\x01\x01\x00"  # 64 bits, little endian, version 1
RELOCATABLE, BPF = 1, 247


def embedded(image: bytes, at: int) -> bytes:
    """The object at an offset, empty when there is none."""
    header = image[at:at + 64]
    if len(header) < 64 or struct.unpack_from("<HH", header, 16) != (RELOCATABLE, BPF):
        return b""
    sections, = struct.unpack_from("<Q", header, 40)
    size, count = struct.unpack_from("<HH", header, 58)
    end = sections + size * count
    for i in range(count):  # the table is not always the last
        kind, = struct.unpack_from("<I", image, at + sections + i * size + 4)
        offset, length = struct.unpack_from("<QQ", image, at + sections + i * size + 24)
        end = max(end, offset + length if kind != 8 else 0)  # SHT_NOBITS takes no room
    return image[at:at + end]


def extract(tap, multiarch: str, cache: Path) -> list:
    """Paths of what was found; empty, with a skip, where the package is absent."""
    libraries = sorted(Path(f"/usr/lib/{multiarch}").glob("libknot.so.13.*"))
    if not libraries:
        tap.skip("the object inside libknot13", "install libknot13")
        return []
    image = libraries[-1].read_bytes()
    found = []
    at = image.find(MAGIC, 1)
    while at >= 0:
        content = embedded(image, at)
        if content:
            found.append(cache / f"libknot{'' if not found else len(found) + 1}.o")
            found[-1].write_bytes(content)
        at = image.find(MAGIC, at + 1)
    tap.check(len(found) == 1, f"{libraries[-1].name} holds one object")
    return found

"""Picture files, sound and hostile."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

GPS_NOTE = b"31.2304N"
PAYLOAD = b"PK\x03\x04<script>alert(1)</script>"


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **saving: Any) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, (220, 20, 20))
    image.paste((20, 20, 220), (size[0] // 2, 0, *size))
    return encoded(image.convert(mode, palette=Image.Palette.ADAPTIVE), kind, **saving)


def encoded(image: Image.Image, kind: str, **saving: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **saving)
    return file.getvalue()


def located(size: tuple[int, int] = (60, 40), orientation: int = 1) -> bytes:
    """A JPEG as phones write it: turned by its EXIF, which also tells the place and the maker."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker " + GPS_NOTE.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0)})
    return picture("JPEG", size, exif=exif, comment=GPS_NOTE, xmp=b"<x:xmpmeta>" + GPS_NOTE)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def gif_bomb() -> bytes:
    """A GIF with a screen of one pixel, whose first frame is the largest there can be."""
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, 65535, 65535) + b"\0\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\0\0" + b"\0" * 6 + frame + b"\x3b"


def opened(body: bytes) -> Image.Image:
    """What a browser would see."""
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "html before a picture": b"<script>alert(1)</script>" + picture(),
    "pdf before a picture": b"%PDF-1.7\n" + picture("JPEG"),
    "only the magic of a JPEG": b"\xff\xd8\xff\xe0",
    "only the magic of a PNG": b"\x89PNG\r\n\x1a\n",
    "a script with the magic of a GIF": b"GIF89a/*" + b"A" * 100 + b"*/=1;alert(1)",
    "a riff without a picture": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 30,
    "a sound": b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 30,
    "a truncated PNG": picture("PNG", (300, 200))[:-60],
    "a truncated JPEG": picture("JPEG", (300, 200))[:400],
    "a truncated WebP": picture("WEBP", (300, 200))[:-40],
    "a PNG without pixels": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 6, 0, 0, 0)),
    "a PNG with a broken checksum": picture()[:-20] + b"\0" * 20,
    "a BMP": picture("BMP"),
    "a TIFF": picture("TIFF"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
}

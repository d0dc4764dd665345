"""Tells by its first bytes which of the allowed picture formats a file is, whatever its name says."""

from __future__ import annotations

FORMATS = ("jpeg", "png", "webp", "bmp", "gif", "tiff")

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)

# What people rename to .jpg most often: named in the message, never opened.
_FOREIGN = (
    (b"%!PS", "a PostScript (EPS) file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript (EPS) file"),
    (b"%PDF", "a PDF document"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML or SVG file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
)


def sniff(data: bytes) -> str | None:
    """The format, one of FORMATS, or None."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def describe_foreign(data: bytes) -> str:
    """A few words on a file that is none of FORMATS, for the message that its owner reads."""
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for signature, words in _FOREIGN:
        if head.lower().startswith(signature.lower()):
            return words
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    return "not a picture"

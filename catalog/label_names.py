"""What a label may be called, which colour it gets, and what a folder's name makes of it."""

from __future__ import annotations

import colorsys
import re
import unicodedata

from catalog.errors import InvalidLabel

LONGEST = 100
# Controls, lone surrogates, line and paragraph separators; and the marks that reverse the text around a name.
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
_REVERSING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Neighbouring numbers get hues far apart, and none comes back.
_GOLDEN_ANGLE = 0.381966


def valid_name(name: str) -> str:
    """The name in NFC and trimmed, or InvalidLabel with the reason."""
    found = unicodedata.normalize("NFC", name).strip()
    if not found:
        raise InvalidLabel("A label needs a name: type at least one character.")
    if len(found) > LONGEST:
        raise InvalidLabel(f"The label {found[:20]}… has {len(found)} characters: {LONGEST} are the most.")
    if any(_unseen(character) for character in found):
        shown = "".join("\ufffd" if _unseen(character) else character for character in found)
        raise InvalidLabel(f"The label {shown} holds a character that cannot be seen: leave it out.")
    return found


def valid_colour(colour: str) -> str:
    """The colour as #rrggbb in lower case, or InvalidLabel."""
    found = colour.strip().lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", found):
        raise InvalidLabel(f"{colour[:20]!r} is no colour of a label: write it as #rrggbb.")
    return found


def folder_label(path: bytes) -> str | None:
    """The label of a file at this path below its source: its folder's name, made fit; None at the top."""
    folder = path.rpartition(b"/")[0].rpartition(b"/")[2]
    text = unicodedata.normalize("NFC", folder.decode("utf-8", "replace"))
    return "".join(character for character in text if not _unseen(character)).strip()[:LONGEST].strip() or None


def colour_of(number: int) -> str:
    """The colour #rrggbb of the label that was made as the `number`-th, legible on light and on dark."""
    red, green, blue = colorsys.hls_to_rgb((number * _GOLDEN_ANGLE) % 1.0, 0.5, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or character in _REVERSING

"""Path converters of the trail, in the spelling of C2SP tlog-tiles."""

from django.urls import register_converter
from django.urls.converters import IntConverter


class LevelConverter(IntConverter):
    """The level of a tile."""

    regex = "[0-9]|[1-5][0-9]|6[0-3]"


class WidthConverter(IntConverter):
    """How many hashes a partial tile has: 1 to 255."""

    regex = "[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]"


class TileConverter:
    """The number of a tile in groups of three digits, all but the last with an x: x001/x234/067."""

    regex = "(?:x[0-9]{3}/){0,5}[0-9]{3}"

    def to_python(self, value: str) -> int:
        return int(value.replace("x", "").replace("/", ""))

    def to_url(self, value: int) -> str:
        digits = f"{value:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        return "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])


def register() -> None:
    """Make the converters known to URL patterns."""
    register_converter(LevelConverter, "level")
    register_converter(WidthConverter, "width")
    register_converter(TileConverter, "tile")

"""Patterns and check characters for recorded texts.

A pattern comes from staff and the text from an issuer, so matching must end soon whatever both
are. Two bounds see to that: a pattern is anchored, repeats no group, looks around nowhere and
varies in few places (`pattern_problems`), and a text longer than MAX_TEXT is not matched at all.
"""

from __future__ import annotations

import re

MAX_PATTERN = 200
MAX_TEXT = 512
MAX_VARIABLE_REPEATS = 3
MAX_ALTERNATIVES = 4

_CHARACTER_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\.")
_REPEAT = re.compile(r"[*+?]|\{\d*,?\d*\}")
_FIXED_REPEAT = re.compile(r"\{\d+\}$")

_DTI_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXZ"
# Bitcoin's registered DTI is the one that does not satisfy the check character system.
_DTI_WITHOUT_CHECK = frozenset({"4H95J0R2X"})


def pattern_problems(pattern: str) -> list[str]:
    """Why the pattern may not be used: it does not compile, or could take very long to match."""
    if len(pattern) > MAX_PATTERN:
        return [f"pattern: longer than {MAX_PATTERN} characters"]
    try:
        re.compile(pattern)
    except re.error as error:
        return [f"pattern: {error}"]
    problems = []
    if not pattern.startswith("^"):
        problems.append("pattern: must start with ^")
    if re.search(r"\\[1-9]", pattern):
        problems.append("pattern: may not refer back to a group")
    # What classes and escapes match is one character each, so they may stand for themselves.
    outline = _CHARACTER_CLASS.sub("c", _ESCAPE.sub("c", pattern)).replace("(?:", "(")
    if "(?" in outline:
        problems.append("pattern: may not look around or set flags")
    if re.search(r"\)(?:[*+]|\{)", outline):
        problems.append("pattern: may not repeat a group")
    outline = outline.replace("(?", "(")
    repeats = [r for r in _REPEAT.findall(outline) if not _FIXED_REPEAT.match(r)]
    if len(repeats) > MAX_VARIABLE_REPEATS:
        problems.append(f"pattern: may vary in at most {MAX_VARIABLE_REPEATS} places")
    if outline.count("|") > MAX_ALTERNATIVES:
        problems.append(f"pattern: may hold at most {MAX_ALTERNATIVES} alternatives")
    return problems


def matches(pattern: str, text: str) -> bool:
    """Whether a text of at most MAX_TEXT characters matches from its start."""
    return len(text) <= MAX_TEXT and re.match(pattern, text) is not None


def is_lei(text: str) -> bool:
    """Whether the text is an ISO 17442 LEI with right check digits (ISO 7064 MOD 97-10)."""
    if not re.fullmatch(r"[A-Z0-9]{18}[0-9]{2}", text):
        return False
    return int("".join(str(int(character, 36)) for character in text)) % 97 == 1


def is_dti(text: str) -> bool:
    """Whether the text is an ISO 24165 DTI with a right check character (ISO 7064 MOD 31,30)."""
    if not re.fullmatch(r"[1-9B-DF-HJ-NP-TV-XZ][0-9B-DF-HJ-NP-TV-XZ]{8}", text):
        return False
    if text in _DTI_WITHOUT_CHECK:
        return True
    modulus = len(_DTI_ALPHABET)
    product = modulus
    for character in text[:-1]:
        total = (product + _DTI_ALPHABET.index(character)) % modulus or modulus
        product = total * 2 % (modulus + 1)
    return (product + _DTI_ALPHABET.index(text[-1])) % modulus == 1


CHECKSUMS = {"lei": is_lei, "dti": is_dti}

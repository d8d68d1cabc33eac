"""Text that an agent wrote, made inert: every character that a reader could not see is shown. Pure.

What comes out is plain text in safe HTML: no link, no markup of the writer's, nothing left out.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import escape

# Characters that draw nothing (Unicode's Default_Ignorable_Code_Point, the blank letters and the
# blank Braille cell), beside the general categories below.
_INVISIBLE = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# These take up room like a space and are part of ordinary French and East Asian typing.
_ORDINARY_SPACES = frozenset(" \u00a0\u202f\u3000")
_EMOJI_STYLE = "\ufe0f"
_LONG_RUN = 4
# Text in which nothing can hide, as most of it is: printable ASCII, and Latin letters and signs
# without the soft hyphen.
_PLAIN = re.compile(r"[ -~\u00a0-\u00ac\u00ae-\u024f\n\t]*")


def _is_hidden(char: str) -> bool:
    if char in "\n\t":
        return False
    category = unicodedata.category(char)
    if category == "Zs":
        return char not in _ORDINARY_SPACES
    point = ord(char)
    return category in _HIDDEN_CATEGORIES or any(low <= point <= high for low, high in _INVISIBLE)


def _name(char: str) -> str:
    return unicodedata.name(char, "control or unassigned character")


def _mark(char: str, count: int) -> str:
    times = f"×{count}" if count > 1 else ""
    title = escape(_name(char), quote=True)
    return f'<span class="ctl" title="{title}">⟨U+{ord(char):04X}⟩{times}</span>'


def _marks(run: str) -> str:
    """A long run of one character is shown once with its length."""
    if len(run) >= _LONG_RUN:
        return _mark(run[0], len(run))
    return _mark(run[0], 1) * len(run)


def _keeps_emoji_style(run: str, before: str) -> bool:
    """One selector behind a pictograph only chooses its colours."""
    return run == _EMOJI_STYLE and unicodedata.category(before[-1:] or "a") == "So"


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of one character, and whether they are hidden. CR LF counts as one line break."""
    before = ""
    for match in re.finditer(r"(.)\1*", text.replace("\r\n", "\n"), re.DOTALL):
        run = match.group()
        yield run, _is_hidden(run[0]) and not _keeps_emoji_style(run, before)
        before = run


def visible_html(text: str) -> str:
    """Escaped HTML of the text; line breaks and tabs stay."""
    if _PLAIN.fullmatch(text):
        return escape(text, quote=True)
    return "".join(
        _marks(run) if hidden else escape(run, quote=True) for run, hidden in _pieces(text)
    )


def visible_text(text: str) -> str:
    """The same without markup, for attributes, options and titles (escape it as usual)."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        f"⟨U+{ord(run[0]):04X}⟩" * len(run) if hidden else run for run, hidden in _pieces(text)
    )


def hidden_count(text: str) -> int:
    if _PLAIN.fullmatch(text):
        return 0
    return sum(len(run) for run, hidden in _pieces(text) if hidden)


# Greek letters stand beside Latin ones in ordinary units (Δt, μs); only those that pass for a
# Latin letter matter.
_GREEK_LOOKALIKES = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορτυχιϲ")
_CYRILLIC_LOOKALIKES = frozenset("АВЕЅІЈКМНОРСТУХԌԚԜабгеѕіјкорсухһԁԛԝӏѵ")
_FOREIGN_TO_LATIN = frozenset({"CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "FULLWIDTH"})
_WORD = re.compile(r"[^\W\d_]+")


def _script(char: str) -> str:
    """The first word of a letter's name is its script for every script that matters here."""
    return unicodedata.name(char, "?").split(" ", 1)[0]


def _looks_mixed(word: str) -> bool:
    scripts = {_script(char) for char in word}
    if "MATHEMATICAL" in scripts:
        return True
    if "LATIN" not in scripts:
        return False
    return bool(scripts & _FOREIGN_TO_LATIN) or any(char in _GREEK_LOOKALIKES for char in word)


def _passes_for_latin(word: str) -> bool:
    return len(word) > 1 and all(
        char in _CYRILLIC_LOOKALIKES or char in _GREEK_LOOKALIKES for char in word
    )


def mixed_script(text: str) -> tuple[str, ...]:
    """The words that mix alphabets, or are written wholly in look-alikes within Latin text.

    `аdmin` with a Cyrillic first letter reads like `admin` and is another word.
    """
    if text.isascii():
        return ()
    words = [match.group() for match in _WORD.finditer(text)]
    latin_around = any(_script(word[0]) == "LATIN" for word in words)
    suspicious = (
        word
        for word in words
        if not word.isascii() and (_looks_mixed(word) or (latin_around and _passes_for_latin(word)))
    )
    return tuple(dict.fromkeys(suspicious))

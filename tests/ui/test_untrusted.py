"""What an agent writes reaches people inert and whole."""

import html
import re
import unicodedata

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from hitlconsole.ui.untrusted import hidden_count, mixed_script, visible_html, visible_text

TAGS = re.compile(r"<[^>]*>")

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "[click](https://evil.example)",
    "https://evil.example/?q=<b>",
    "{{ request }} {% load ui %}",
    '<a href="https://evil.example" hx-get="/x">go</a>',
    "&lt;already escaped&gt; &#x202e;",
]


def marks(html_text: str) -> list[str]:
    return re.findall(r'<span class="ctl"[^>]*>([^<]*)</span>', html_text)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_is_text(payload: str) -> None:
    shown = Template("{% load ui %}{{ text|visible }}").render(Context({"text": payload}))
    assert TAGS.findall(shown) == []
    assert html.unescape(shown) == payload


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gnp\u202egpj.exe", ["⟨U+202E⟩"]),
        ("a\u2066b\u2069", ["⟨U+2066⟩", "⟨U+2069⟩"]),
        ("pass\u200bword", ["⟨U+200B⟩"]),
        ("\ufeffstart", ["⟨U+FEFF⟩"]),
        ("\x1b[31mred\x1b[0m", ["⟨U+001B⟩", "⟨U+001B⟩"]),
        ("nul\x00", ["⟨U+0000⟩"]),
        ("\x7f", ["⟨U+007F⟩"]),
        ("over\rwritten", ["⟨U+000D⟩"]),
        ("soft\u00adhyphen", ["⟨U+00AD⟩"]),
        ("line\u2028sep", ["⟨U+2028⟩"]),
        ("\U000e0041\U000e0042", ["⟨U+E0041⟩", "⟨U+E0042⟩"]),
        ("hangul\u3164filler", ["⟨U+3164⟩"]),
        ("braille\u2800", ["⟨U+2800⟩"]),
        ("thin\u2009space", ["⟨U+2009⟩"]),
        ("data\ufe01\ufe02", ["⟨U+FE01⟩", "⟨U+FE02⟩"]),
        ("lone\ud800", ["⟨U+D800⟩"]),
        ("private\ue000", ["⟨U+E000⟩"]),
        ("\u200d" * 5000, ["⟨U+200D⟩×5000"]),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: list[str]) -> None:
    assert marks(visible_html(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["two\nlines", "a\ttab", "Prix\u00a0: 10\u202f€", "⚠\ufe0f careful", "Zürich 東京\u3000"],
)
def test_ordinary_writing_stays_as_it_is(text: str) -> None:
    assert visible_html(text) == text
    assert visible_text(text) == text
    assert hidden_count(text) == 0


def test_a_line_break_of_two_characters_is_one() -> None:
    assert visible_html("a\r\nb") == "a\nb"


def test_only_one_selector_behind_a_pictograph_is_ordinary() -> None:
    assert marks(visible_html("⚠\ufe0f\ufe0f")) == ["⟨U+FE0F⟩", "⟨U+FE0F⟩"]
    assert marks(visible_html("a\ufe0f")) == ["⟨U+FE0F⟩"]


def test_a_mark_names_its_character() -> None:
    assert 'title="RIGHT-TO-LEFT OVERRIDE"' in visible_html("\u202e")


@given(st.text(st.characters(), max_size=60))
def test_no_raw_control_or_format_character_comes_out(text: str) -> None:
    for shown in (visible_html(text), visible_text(text)):
        left = {char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs"}}
        assert left <= {"\n", "\t"}


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_nothing_is_left_out(text: str) -> None:
    def restore(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) * int(match[2] or 1)

    plain = html.unescape(TAGS.sub("", visible_html(text.replace("⟨", ""))))
    back = re.sub(r"⟨U\+([0-9A-F]+)⟩(?:×(\d+))?", restore, plain)
    assert back == text.replace("⟨", "").replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("please approve", ()),
        ("please \u0430pprove", ("\u0430pprove",)),
        ("p\u0430yp\u0430l and p\u0430yp\u0430l", ("p\u0430yp\u0430l",)),
        ("login at \u0430\u0440\u0440\u04cf\u0435 now", ("\u0430\u0440\u0440\u04cf\u0435",)),
        ("Αdmin", ("Αdmin",)),
        ("ａdmin", ("ａdmin",)),
        ("𝐚dmin", ("𝐚dmin",)),
        ("Δt of 5 μs", ()),
        ("Привет, мир", ()),
        ("Отчёт for the team", ()),
        ("東京tower カタカナ", ()),
        ("naïve Zürich Łódź", ()),
    ],
)
def test_words_that_pass_for_others(text: str, words: tuple[str, ...]) -> None:
    assert mixed_script(text) == words

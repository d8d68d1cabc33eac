"""The rows of nested values as HTML, made in one go: templates take seconds for ten thousand."""

from typing import Any

from django.template.loader import render_to_string

from hitlconsole.ui.fields import Field, json_rows
from hitlconsole.ui.untrusted import hidden_count, mixed_script, visible_html


def rows_html(value: Any) -> str:
    """Safe HTML: every text in it was made inert."""
    return "".join(map(_row, json_rows(value)))


def _row(row: Field) -> str:
    path = visible_html(row.path or "(the whole)")
    head = f'<tr><th scope="row" class="untrusted"><bdi>{path}</bdi></th>'
    return f'{head}<td class="untrusted">{_value(row)}</td></tr>'


def _value(row: Field) -> str:
    if row.kind != "text":
        kind = f'<span class="kv__kind">{row.kind}</span>'
        return f'<bdi class="kv__value">{visible_html(row.text)}</bdi> {kind}'
    if not row.text:
        return '<span class="kv__none">empty text</span>'
    return f"<bdi>{visible_html(row.text)}</bdi>{_marks(row.text)}"


def _marks(text: str) -> str:
    if not hidden_count(text) and not mixed_script(text):
        return ""
    return " " + render_to_string("components/text_marks.html", {"text": text})

"""A page as its forms and its text, so that tests post what a browser would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import HttpResponse

VOID = frozenset(("input", "meta", "link", "br", "img", "hr"))


@dataclass
class Form:
    action: str
    method: str
    id: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._inside: list[str] = []
        self._textarea = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if tag not in VOID:
            self._inside.append(tag)
        if tag == "form":
            form = Form(values.get("action", ""), values.get("method", "get"), values.get("id", ""))
            self.forms.append(form)
        elif self.forms and "form" in self._inside:
            self._field(tag, values)

    def _field(self, tag: str, values: dict[str, str]) -> None:
        fields, name = self.forms[-1].fields, values.get("name", "")
        if tag == "textarea":
            self._textarea = name
            fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in values or self._select not in fields:
                fields[self._select] = values.get("value", "")
        elif tag == "input" and name:
            choice = values.get("type") in ("checkbox", "radio")
            if not choice or "checked" in values:
                fields[name] = values.get("value", "on" if choice else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        if tag == "select":
            self._select = ""
        while tag in self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._textarea and self.forms:
            kept = self.forms[-1].fields[self._textarea] + data
            # The line break behind the tag is none of the text's.
            self.forms[-1].fields[self._textarea] = kept.removeprefix("\n")
        elif not {"script", "style"} & set(self._inside):
            self.words.append(data)


@dataclass(frozen=True)
class Page:
    html: str
    forms: list[Form]
    text: str
    tags: list[tuple[str, dict[str, str]]]

    def form(self, identity: str) -> Form:
        (found,) = [form for form in self.forms if form.id == identity]
        return found

    def form_to(self, action: str) -> Form:
        """The first form that posts there."""
        return next(form for form in self.forms if form.action == action)

    def rows(self) -> list[str]:
        """The ids of the list's rows, in order."""
        return [
            values["data-row"] for tag, values in self.tags if tag == "li" and "data-row" in values
        ]


def read(response: HttpResponse) -> Page:
    reader = _Reader()
    html = response.content.decode()
    reader.feed(html)
    return Page(html, reader.forms, " ".join(" ".join(reader.words).split()), reader.tags)

"""What templates say: `{% load ui %}`. Components with parameters are in templates/components."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from hitlconsole.ui import fields, formats, untrusted, words

register = template.Library()


# --- Text that agents wrote ---


@register.filter
def visible(value: object) -> SafeString:
    """Inert HTML of somebody else's text; what can't be seen is shown as ⟨U+202E⟩."""
    # Every part was escaped by visible_html.
    return mark_safe(untrusted.visible_html(str(value)))  # noqa: S308


@register.filter
def visible_text(value: object) -> str:
    """For attributes, options and titles: no markup, escaped as usual."""
    return untrusted.visible_text(str(value))


@register.filter
def hidden_count(value: object) -> int:
    return untrusted.hidden_count(str(value))


@register.filter
def mixed_script(value: object) -> tuple[str, ...]:
    return untrusted.mixed_script(str(value))


@register.filter
def jsonrows(value: Any) -> list[fields.Field]:
    return fields.json_rows(value)


@register.simple_tag
def field_changes(before: Any, after: Any) -> list[fields.FieldChange]:
    """{% field_changes old new as changes %}"""
    return fields.field_changes(before, after)


# --- Numbers and times ---


@register.filter
def money(value: object, currency: str = "USD") -> str:
    return formats.money(value, currency)


@register.filter
def duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else formats.duration(float(seconds))


@register.filter
def iso_time(moment: datetime) -> str:
    """For the attribute datetime."""
    return moment.isoformat()


@register.filter
def full_time(moment: datetime) -> str:
    return formats.full_time(moment)


@register.filter
def age(moment: datetime, now: datetime) -> str:
    return formats.age(moment, now)


@register.filter
def remaining(deadline: datetime, now: datetime) -> str:
    return formats.remaining(deadline, now)


@register.filter
def urgency(deadline: datetime, now: datetime) -> str:
    return formats.urgency(deadline, now)


@register.filter
def percent(share: object) -> str:
    """0.82 -> 82 %. A share that was not given is unknown."""
    return "unknown" if share is None else f"{float(str(share)) * 100:.0f} %"


@register.filter
def chart_width(share: object) -> str:
    """A share as the width attribute of an SVG shape, within 0 and 100."""
    return f"{min(1.0, max(0.0, float(str(share)))) * 100:.1f}"


# --- Looks ---


@register.filter
def level_look(level: int | str) -> words.LevelLook:
    return words.level_look(level)


@register.filter
def state_look(state: object) -> words.StateLook:
    return words.state_look(str(state))


@register.filter
def initials(name: object) -> str:
    return words.initials(str(name))


@register.filter
def rungs(level: int | str) -> list[tuple[words.LevelLook, bool]]:
    """The five levels, strictest first, with a mark on the current one."""
    current = words.level_look(level)
    return [(look, look is current) for look in reversed(words.LEVELS)]


@register.filter
def lookup(mapping: Mapping[str, Any] | None, key: object) -> Any:
    """The value under a key that a variable holds; None where there is no mapping or no key."""
    return mapping.get(str(key)) if isinstance(mapping, Mapping) else None


@register.filter
def key_parts(keys: str) -> list[str]:
    return keys.split(" ")


@register.simple_tag
@lru_cache
def icon(name: str) -> SafeString:
    """An icon of static/icons/sprite.svg; it says nothing by itself, so put a label beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
@lru_cache
def level(value: int | str, short: bool = False, bare: bool = False) -> SafeString:
    """components/level.html, made once for each level: lists are full of them."""
    context = {"level": value, "short": short, "bare": bare}
    return render_to_string("components/level.html", context)


def _attributes(attrs: dict[str, Any]) -> SafeString:
    """data_arm="approve" becomes data-arm="approve"; True alone stands bare, None is left out."""
    named = {
        name.rstrip("_").replace("_", "-"): value
        for name, value in attrs.items()
        if value is not None and value is not False
    }
    return flatatt(named)


@register.simple_tag
def button(
    label: str,
    variant: str = "neutral",
    icon: str = "",
    key: str = "",
    href: str = "",
    hide_label: bool = False,
    **attrs: Any,
) -> str:
    """{% button "Approve" variant="approve" icon="check" key="a" data_arm="approve" %}

    See components/button.html. Without `href` a <button>, of type "button" unless `type` says
    otherwise.
    """
    if not href:
        attrs.setdefault("type", "button")
    context = {
        "label": label,
        "variant": variant,
        "icon_name": icon,
        "key": key,
        "href": href,
        "hide_label": hide_label,
        "attributes": _attributes(attrs),
    }
    return render_to_string("components/button.html", context)


# --- Components around content ---


def _around(component: str, content: str, **context: Any) -> SafeString:
    # The content is a rendered part of a template, escaped where it was written.
    body = mark_safe(content)  # noqa: S308
    return render_to_string(f"components/{component}.html", context | {"content": body})


@register.simple_block_tag
def banner(
    content: str, tone: str = "info", title: str = "", icon: str = "", **attrs: Any
) -> SafeString:
    """tone: info, ok, warn, danger, takeover, stale, offline."""
    return _around(
        "banner", content, tone=tone, title=title, icon_name=icon, attributes=_attributes(attrs)
    )


@register.simple_block_tag
def claim(content: str, who: str, what: str = "claims") -> SafeString:
    """The box around what an agent wrote."""
    return _around("claim", content, who=who, what=what)


@register.simple_block_tag
def dialog(content: str, dialog_id: str, title: str, wide: bool = False) -> SafeString:
    """A native dialog; `data-dialog-open="ID"` on a button opens it."""
    return _around("dialog", content, dialog_id=dialog_id, title=title, wide=wide)


@register.simple_block_tag
def panel(
    content: str, title: str = "", icon: str = "", hint: str = "", **attrs: Any
) -> SafeString:
    """A titled section of a page."""
    return _around(
        "panel", content, title=title, icon_name=icon, hint=hint, attributes=_attributes(attrs)
    )


@register.simple_block_tag
def disclosure(content: str, summary: str, hint: str = "", opened: bool = False) -> SafeString:
    """What a click unfolds; complete in the page either way."""
    return _around("disclosure", content, summary=summary, hint=hint, opened=opened)


@register.simple_block_tag
def field_row(
    content: str,
    label: str,
    for_id: str,
    help: str = "",  # noqa: A002
    error: str = "",
) -> SafeString:
    """Label, help and error around an input of one's own.

    The input's aria-describedby is `ID_helptext ID_error`, as Django's own fields have it.
    """
    return _around("field_row", content, label=label, for_id=for_id, help=help, error=error)


@register.simple_block_tag
def data_table(content: str, caption: str, dense: bool = False, fold: bool = False) -> SafeString:
    """The frame of a table that scrolls by itself where it is too wide; content: thead, tbody."""
    return _around("data_table", content, caption=caption, dense=dense, fold=fold)

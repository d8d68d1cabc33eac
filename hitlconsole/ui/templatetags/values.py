"""Nested values in templates: `{% load values %}`."""

from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from hitlconsole.ui.rows import rows_html

register = template.Library()


@register.filter
def value_rows(value: Any) -> SafeString:
    """The rows of components/arguments.html."""
    # Every text in them was made inert by rows_html.
    return mark_safe(rows_html(value))  # noqa: S308

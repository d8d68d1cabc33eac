"""Action types: what admins say about the things that agents ask for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from approvals.access import visible_requests
from approvals.console.argument_kinds import pretty
from approvals.console.door import page, require_admin
from approvals.console.words import LEVEL_OPTIONS
from approvals.schemas import schema_errors
from autonomy.models import DOMAIN_CHOICES, ActionType
from autonomy.services import MAX_SCHEMA_DEPTH, save_action_type
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import Team, User
from hitlconsole.accounts.services import person
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem
from hitlconsole.lib.strictjson import StrictJSONError, loads

NAME = r"^[a-z0-9_]+([.\-][a-z0-9_]+)*$"
YES_NO_UNKNOWN = (("", "Unknown"), ("yes", "Yes"), ("no", "No"))
TRUTH = {"": None, "yes": True, "no": False}
WORDS = {truth: word for word, truth in TRUTH.items()}
YEAR = 365 * 86_400
LATELY = 1000


class ActionTypeForm(forms.Form):
    name = forms.RegexField(
        NAME,
        max_length=100,
        help_text="As the agents send it: refund.create, email.send-batch.",
        error_messages={"invalid": "Lower-case words joined by dots or hyphens."},
    )
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    reversible = forms.ChoiceField(
        choices=YES_NO_UNKNOWN,
        required=False,
        label="Can it be undone?",
        help_text=(
            "No is the stricter word, whatever the agent says. What can't be undone, or might not,"
            " is never approved on its own: at most silence consents, and only above the policy's"
            " confidence."
        ),
    )
    domains = forms.MultipleChoiceField(
        choices=DOMAIN_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Any of them makes it hard approval, always.",
    )
    cost_usd = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=2,
        required=False,
        label="Cost in USD",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text=(
            "Counts where the agent states less or nothing. Unknown cost is never approved on its"
            " own; 0 says that it costs nothing. Above the policy's limit it is hard approval."
        ),
    )
    floor = forms.TypedChoiceField(
        choices=[("", "None"), *LEVEL_OPTIONS],
        coerce=int,
        empty_value=None,
        required=False,
        label="Floor level",
        help_text="Never laxer than this, whoever asks.",
    )
    side_effects = forms.BooleanField(
        required=False,
        label="It has side effects",
        initial=True,
        help_text=(
            "Untick it only for pure lookups: they are approved at once unless a domain is"
            " flagged or the cost is high, and pass even while the agent is read-only."
        ),
    )
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"),
        required=False,
        empty_label="The agent's own team",
        help_text="Whose reviewers decide.",
    )
    soft_seconds = forms.IntegerField(
        min_value=1,
        max_value=YEAR,
        required=False,
        label="Soft time limit, seconds",
        help_text="How long people may object before silence consents. Empty: as the policy says.",
    )
    hard_seconds = forms.IntegerField(
        min_value=1,
        max_value=YEAR,
        required=False,
        label="Hard time limit, seconds",
        help_text="How long until it escalates. Empty: as the policy says.",
    )
    quorum = forms.IntegerField(
        min_value=1,
        max_value=100,
        required=False,
        label="Approvals needed",
        help_text="Above 1 silence can never consent. Empty: as the policy says.",
    )
    arguments_schema = forms.CharField(
        required=False,
        label="JSON Schema of the arguments",
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "class": "mono", "spellcheck": "false"}),
        help_text=(
            "Draft 2020-12. Requests that don't fit are refused, and reviewers edit with typed"
            " fields. Empty: any arguments."
        ),
    )

    def __init__(self, *args: Any, instance: ActionType | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance = instance
        if instance is not None:
            # The name is what agents send and what is on record.
            del self.fields["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if ActionType.objects.filter(name=name).exists():
            raise forms.ValidationError("This action type is registered already.")
        return name

    def clean_arguments_schema(self) -> dict[str, Any] | None:
        text: str = self.cleaned_data["arguments_schema"]
        return read_schema(text) if text.strip() else None

    def as_action_type(self) -> ActionType:
        values = self.cleaned_data | {"reversible": TRUTH[self.cleaned_data["reversible"]]}
        action_type = self.instance or ActionType()
        for name, value in values.items():
            setattr(action_type, name, value)
        return action_type


def read_schema(text: str) -> dict[str, Any]:
    """Raises ValidationError, which names the line where the JSON breaks."""
    try:
        schema: Any = loads(text.encode(), max_depth=MAX_SCHEMA_DEPTH)
    except StrictJSONError as error:
        raise forms.ValidationError(f"{_broken_line(text)}{error.msg}.") from None
    errors = schema_errors(schema)
    if errors:
        raise forms.ValidationError([f"Not a usable JSON Schema: {error}." for error in errors])
    found: dict[str, Any] = schema
    return found


def _broken_line(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        line = text.replace("\r\n", "\n").split("\n")[error.lineno - 1].strip()
        return f"Line {error.lineno} (“{line[:80]}”): "
    return ""


def present(action_type: ActionType) -> dict[str, Any]:
    """The registration as the form's first values."""
    names = (
        "description",
        "domains",
        "cost_usd",
        "floor",
        "side_effects",
        "soft_seconds",
        "hard_seconds",
        "quorum",
    )
    schema = action_type.arguments_schema
    return {name: getattr(action_type, name) for name in names} | {
        "reversible": WORDS[action_type.reversible],
        "team": action_type.team_id,
        "arguments_schema": pretty(schema) if schema is not None else "",
    }


@dataclass(frozen=True, slots=True)
class Unregistered:
    name: str
    count: int
    last: datetime


def unregistered_types(user: User) -> Sequence[Unregistered]:
    """What agents asked for lately that no admin has described; most frequent first."""
    newest = visible_requests(user).order_by("-id").values_list("action_type", "created_at")
    seen: dict[str, list[datetime]] = {}
    for name, moment in newest[:LATELY]:
        seen.setdefault(name, []).append(moment)
    known = set(ActionType.objects.filter(name__in=seen).values_list("name", flat=True))
    found = [Unregistered(n, len(times), max(times)) for n, times in seen.items() if n not in known]
    return sorted(found, key=lambda one: (-one.count, one.name))


@page
@require_safe
def show_action_types(request: HttpRequest) -> HttpResponse:
    user = current_user(request)
    context = {
        "action_types": ActionType.objects.select_related("team"),
        "unregistered": unregistered_types(user),
        "administers": may_administer(user),
    }
    return render(request, "console/action_types.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def new_action_type(request: HttpRequest) -> HttpResponse:
    require_admin(request)
    initial = {"name": request.GET.get("name", "")[:100], "side_effects": True}
    form = ActionTypeForm(request.POST or None, initial=initial)
    return _save(request, form)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def edit_action_type(request: HttpRequest, action_type_id: UUID) -> HttpResponse:
    """People who may not change it read it."""
    action_type = ActionType.objects.filter(pk=action_type_id).select_related("team").first()
    if action_type is None:
        raise Problem("not_found", "There is no such action type.")
    if not may_administer(current_user(request)) and request.method != "POST":
        context = {"action_type": action_type, "schema": _schema_text(action_type)}
        return render(request, "console/action_type_read.html", context)
    require_admin(request)
    form = ActionTypeForm(request.POST or None, instance=action_type, initial=present(action_type))
    return _save(request, form)


def _schema_text(action_type: ActionType) -> str:
    schema = action_type.arguments_schema
    return "" if schema is None else pretty(schema)


def _save(request: HttpRequest, form: ActionTypeForm) -> HttpResponse:
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        context = {"form": form, "action_type": form.instance}
        return render(request, "console/action_type.html", context, status=status)
    saved = save_action_type(form.as_action_type(), by=person(current_user(request)))
    messages.success(request, f"{saved.name} is registered as you see it here.")
    return redirect("console:action-type", saved.pk)

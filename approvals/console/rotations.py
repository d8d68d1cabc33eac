"""Rotations, the stretches that somebody else takes, and absences: small forms of their own."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from approvals.console.door import page, require_admin
from approvals.console.escalation import (
    FIRST_DAY,
    LAST_DAY,
    clean_timezone,
    moment_field,
    team_for,
)
from approvals.console.escalation_forms import WEEKDAYS
from approvals.console.escalation_lists import names_for
from approvals.models import Absence, OnCallRotation, RotationOverride
from approvals.services.escalations import (
    add_absence,
    add_override,
    delete_rotation,
    remove_absence,
    remove_override,
    save_rotation,
)
from approvals.vocabulary import Handover
from hitlconsole.accounts.access import may_administer
from hitlconsole.accounts.models import Team, User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem

PLACES = 8


class RotationForm(forms.Form):
    """The people in the order of their turns: a field for each place."""

    name = forms.CharField(max_length=80)
    handover = forms.ChoiceField(
        choices=[(Handover.WEEKLY.value, "Every week"), (Handover.DAILY.value, "Every day")]
    )
    weekday = forms.TypedChoiceField(
        choices=list(enumerate(WEEKDAYS)),
        coerce=int,
        label="On",
        help_text="For weekly handovers.",
    )
    at = forms.TimeField(
        label="At", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), initial="09:00"
    )
    timezone = forms.CharField(
        label="Time zone",
        max_length=64,
        initial="UTC",
        help_text="Like Europe/Berlin. Handovers follow its wall clock through daylight saving.",
    )
    starts_on = forms.DateField(
        label="First turn from",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Nobody"), *((one.key, one.label) for one in names_for(team))]
        for place in range(1, PLACES + 1):
            self.fields[f"person_{place}"] = forms.ChoiceField(
                choices=choices, required=False, label=f"Turn {place}"
            )

    def clean_timezone(self) -> str:
        return clean_timezone(self.cleaned_data["timezone"])

    @property
    def turns(self) -> list[Any]:
        return [self[f"person_{place}"] for place in range(1, PLACES + 1)]

    @property
    def people(self) -> list[UUID]:
        given = (self.cleaned_data.get(f"person_{place}") for place in range(1, PLACES + 1))
        return list(dict.fromkeys(UUID(one) for one in given if one))


class SpanForm(forms.Form):
    """From and to, on the wall clock of a zone."""

    starts_at = moment_field()
    ends_at = moment_field()
    timezone = forms.CharField(max_length=64, initial="UTC")

    def clean_timezone(self) -> str:
        return clean_timezone(self.cleaned_data["timezone"])

    def span(self) -> tuple[datetime, datetime]:
        zone = ZoneInfo(self.cleaned_data["timezone"])
        begin, end = self.cleaned_data["starts_at"], self.cleaned_data["ends_at"]
        return (
            begin.replace(tzinfo=zone).astimezone(UTC),
            end.replace(tzinfo=zone).astimezone(UTC),
        )


class OverrideForm(SpanForm):
    user = forms.ModelChoiceField(User.objects.filter(is_active=True))


class AbsenceForm(SpanForm):
    user = forms.ModelChoiceField(User.objects.filter(is_active=True))
    substitute = forms.ModelChoiceField(User.objects.filter(is_active=True), required=False)


def _back(team: Team) -> HttpResponse:
    return redirect("console:escalation", team.pk)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def edit_rotation(
    request: HttpRequest, team_id: UUID, rotation_id: UUID | None = None
) -> HttpResponse:
    """A new one, where no id is given."""
    team = team_for(request, team_id)
    require_admin(request, team)
    rotation = _rotation(team, rotation_id) if rotation_id else OnCallRotation(team=team)
    form = RotationForm(request.POST or None, team=team, initial=_initial(rotation))
    if request.method == "POST" and form.is_valid():
        for name in ("name", "handover", "weekday", "at", "timezone", "starts_on"):
            setattr(rotation, name, form.cleaned_data[name])
        rotation.people = form.people
        try:
            save_rotation(rotation, by=current_user(request))
        except Problem as problem:
            for error in problem.errors:
                form.add_error("name" if error.loc == ("name",) else "person_1", f"It {error.msg}.")
        else:
            messages.success(request, f"The rotation {rotation.name} is saved.")
            return _back(team)
    context = {"team": team, "form": form, "rotation": rotation if rotation_id else None}
    status = 422 if form.errors else 200
    return render(request, "console/rotation.html", context, status=status)


def _initial(rotation: OnCallRotation) -> dict[str, Any]:
    if rotation._state.adding:
        return {}
    fields = ("name", "handover", "weekday", "at", "timezone", "starts_on")
    turns = {f"person_{place}": str(one) for place, one in enumerate(rotation.people, 1)}
    return {name: getattr(rotation, name) for name in fields} | turns


def _rotation(team: Team, rotation_id: UUID) -> OnCallRotation:
    return get_object_or_404(OnCallRotation, team=team, pk=rotation_id)


@page
@require_POST
def drop_rotation(request: HttpRequest, team_id: UUID, rotation_id: UUID) -> HttpResponse:
    team = team_for(request, team_id)
    require_admin(request, team)
    rotation = _rotation(team, rotation_id)
    try:
        delete_rotation(rotation, by=current_user(request))
    except Problem as problem:
        messages.error(request, f"{rotation.name} {problem.errors[0].msg}.")
    else:
        messages.success(request, f"The rotation {rotation.name} is gone.")
    return _back(team)


@page
@require_POST
def new_override(request: HttpRequest, team_id: UUID, rotation_id: UUID) -> HttpResponse:
    """People may swap their turns themselves: whoever is in the team may enter it."""
    team = team_for(request, team_id)
    rotation, user = _rotation(team, rotation_id), current_user(request)
    form = OverrideForm(request.POST)
    if not form.is_valid():
        return _told_wrong(request, team, form)
    taker: User = form.cleaned_data["user"]
    if taker != user and not may_administer(user, team):
        raise Problem("not_allowed", "You can take a turn yourself; an admin gives it to others.")
    if str(taker.pk) not in {one.key for one in names_for(team)}:
        messages.error(request, f"{taker.name} does not decide for {team.name}.")
        return _back(team)
    try:
        add_override(rotation, taker, *form.span(), by=user)
    except Problem as problem:
        messages.error(request, f"The end {problem.errors[0].msg}.")
    else:
        messages.success(request, f"{taker.name} takes that turn of {rotation.name}.")
    return _back(team)


@page
@require_POST
def drop_override(request: HttpRequest, team_id: UUID, override_id: UUID) -> HttpResponse:
    team, user = team_for(request, team_id), current_user(request)
    override = get_object_or_404(RotationOverride, rotation__team=team, pk=override_id)
    if override.user != user and not may_administer(user, team):
        raise Problem("not_allowed", "Only an admin, or who took the turn, can give it back.")
    remove_override(override, by=user)
    return _back(team)


@page
@require_POST
def new_absence(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """One's own, or by an admin of the team that of its people."""
    team, user = team_for(request, team_id), current_user(request)
    form = AbsenceForm(request.POST)
    if not form.is_valid():
        return _told_wrong(request, team, form)
    away: User = form.cleaned_data["user"]
    members = {one.key for one in names_for(team)}
    if str(away.pk) not in members or (away != user and not may_administer(user, team)):
        raise Problem("not_allowed", "You can enter your own absence; an admin that of the team.")
    try:
        add_absence(away, *form.span(), form.cleaned_data["substitute"], by=user)
    except Problem as problem:
        messages.error(request, f"{problem.errors[0].loc[0]}: {problem.errors[0].msg}.")
    else:
        messages.success(request, f"{away.name} is away then; nobody asks for their decision.")
    return _back(team)


@page
@require_POST
def drop_absence(request: HttpRequest, team_id: UUID, absence_id: UUID) -> HttpResponse:
    team, user = team_for(request, team_id), current_user(request)
    members = [one.key for one in names_for(team)]
    absence = get_object_or_404(Absence, user__in=members, pk=absence_id)
    if absence.user != user and not may_administer(user, team):
        raise Problem("not_allowed", "Only an admin, or the person, can end an absence.")
    remove_absence(absence, by=user)
    return _back(team)


def _told_wrong(request: HttpRequest, team: Team, form: forms.Form) -> HttpResponse:
    field, errors = next(iter(form.errors.items()))
    messages.error(request, f"{field.replace('_', ' ').capitalize()}: {errors[0]}")
    return _back(team)

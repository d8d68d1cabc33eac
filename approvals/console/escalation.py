"""A team's escalation: the policy's editor, who would be told and when, rotations, absences."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from approvals.console.door import page, require_admin
from approvals.console.escalation_forms import WEEKDAYS, Draft
from approvals.console.escalation_lists import (
    Named,
    StepView,
    load_absences,
    load_rotations,
    names_for,
    step_views,
)
from approvals.console.words import LEVEL_OPTIONS
from approvals.escalation.policy import EscalationPolicy, read_timezone
from approvals.escalation.preview import Question, foresee
from approvals.models import NotificationChannel, OnCallRotation, TeamEscalation
from approvals.services.escalations import read_policy, save_escalation
from approvals.services.roster import load_roster
from approvals.services.tiers import escalation_of, escalations_of
from autonomy.policy.reading import ReadError
from autonomy.services import current_policy
from autonomy.vocabulary import Level
from hitlconsole.accounts.access import may_administer, readable_teams
from hitlconsole.accounts.models import Team
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem

ASKED_LEVELS = [(value, words) for value, words in LEVEL_OPTIONS if 1 <= value <= 3]
# Turns and time zones can be reckoned that far, with room on both sides.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


def moment_field(label: str | None = None) -> forms.DateTimeField:
    """A time on the wall clock, as the browser's own field sends it."""
    first, last = (datetime(day.year, 1, 1, tzinfo=UTC) for day in (FIRST_DAY, LAST_DAY))
    return forms.DateTimeField(
        label=label,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        validators=[MinValueValidator(first), MaxValueValidator(last)],
    )


def clean_timezone(name: str) -> str:
    try:
        return read_timezone(name)
    except ReadError as error:
        raise forms.ValidationError(f"It {error}.") from None


class PreviewForm(forms.Form):
    """For a request that arrives then, on the wall clock of a zone."""

    arrival = moment_field("Arrives")
    timezone = forms.CharField(label="Time zone", max_length=64)
    level = forms.TypedChoiceField(choices=ASKED_LEVELS, coerce=int)
    notice = forms.BooleanField(
        required=False,
        label="Somebody is reached",
        help_text="What silence at SOFT_APPROVAL needs.",
    )

    def clean_timezone(self) -> str:
        return clean_timezone(self.cleaned_data["timezone"])

    @property
    def moment(self) -> datetime:
        zone = ZoneInfo(self.cleaned_data["timezone"])
        arrival: datetime = self.cleaned_data["arrival"]
        return arrival.replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Preview:
    form: PreviewForm
    steps: list[StepView]
    zone: str


def team_for(request: HttpRequest, team_id: UUID) -> Team:
    """Raises not_found."""
    team = readable_teams(current_user(request)).filter(pk=team_id).first()
    if team is None:
        raise Problem("not_found", "There is no such team.")
    return team


@page
@require_GET
def show_escalations(request: HttpRequest) -> HttpResponse:
    """Every readable team, with who would be told now."""
    now, teams = database_now(), list(readable_teams(current_user(request)).order_by("name"))
    if len(teams) == 1:
        return redirect("console:escalation", teams[0].pk)
    policies = escalations_of(team.pk for team in teams)
    context = {"teams": [(team, policies[team.pk]) for team in teams], "now": now}
    return render(request, "console/escalations.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def escalation(request: HttpRequest, team_id: UUID) -> HttpResponse:
    team = team_for(request, team_id)
    kept = TeamEscalation.objects.filter(pk=team.pk).first()
    if request.method != "POST":
        draft = Draft.of(escalation_of(team.pk), kept.revision if kept else 0)
        return _render(
            request, team, draft, _preview(request.GET or None, escalation_of(team.pk), team)
        )
    require_admin(request, team)
    draft, action = Draft.read(request.POST), request.POST.get("do", "save")
    if action == "save":
        return _save(request, team, draft)
    if action == "preview":
        return _preview_draft(request, team, draft)
    return _render(request, team, draft.changed(action), None)


def _save(request: HttpRequest, team: Team, draft: Draft) -> HttpResponse:
    user = current_user(request)
    try:
        save_escalation(team, draft.to_json(), revision=draft.revision, by=user)
    except Problem as problem:
        if problem.code == "stale_revision":
            return _render(request, team, draft, None, status=409, problem=problem)
        return _render(request, team, draft.with_errors(problem.errors), None, status=422)
    messages.success(request, f"{team.name} goes by this escalation policy from now on.")
    return redirect("console:escalation", team.pk)


def _preview_draft(request: HttpRequest, team: Team, draft: Draft) -> HttpResponse:
    """Nothing is saved: what the form says now is what is foreseen."""
    try:
        policy = read_policy(draft.to_json())
    except Problem as problem:
        return _render(request, team, draft.with_errors(problem.errors), None, status=422)
    preview = _preview(request.POST, policy, team)
    return _render(request, team, draft, preview, status=422 if preview.form.errors else 200)


def _preview(given: Any, policy: EscalationPolicy, team: Team) -> Preview:
    """Without a question: for a request that needs HARD_APPROVAL and arrives now."""
    now = database_now()
    zone = policy.quiet.timezone if policy.quiet else "UTC"
    local = now.astimezone(ZoneInfo(zone))
    default = {
        "arrival": local.strftime("%Y-%m-%dT%H:%M"),
        "timezone": zone,
        "level": "3",
        "notice": "on",
    }
    form = PreviewForm(given if given and "arrival" in given else default)
    if not form.is_valid():
        return Preview(form, [], zone)
    document = current_policy().document
    arrival = form.moment
    question = Question(
        policy=policy,
        roster=load_roster(arrival),
        team_id=team.pk,
        arrival=arrival,
        level=Level(form.cleaned_data["level"]),
        soft_seconds=document.soft_seconds,
        hard_seconds=document.hard_seconds,
        silent_consent=document.silent_consent,
        notice=form.cleaned_data["notice"],
    )
    zone = form.cleaned_data["timezone"]
    return Preview(form, step_views(foresee(question), policy, team, zone), zone)


def _render(
    request: HttpRequest,
    team: Team,
    draft: Draft,
    preview: Preview | None,
    *,
    status: int = 200,
    problem: Problem | None = None,
) -> HttpResponse:
    user, now = current_user(request), database_now()
    administers = may_administer(user, team)
    context = {
        "team": team,
        "draft": draft,
        "preview": preview or _preview(None, escalation_of(team.pk), team),
        "problem": problem,
        "administers": administers,
        "targets": _targets(team, draft, everybody=administers),
        "channels": _channels(team),
        "weekdays": [(str(number), name) for number, name in enumerate(WEEKDAYS)],
        "rotations": load_rotations(team, now, now + timedelta(days=28)),
        "absences": load_absences(team, now),
        "now": now,
        "people": names_for(team),
        "user_id": user.pk,
    }
    return render(request, "console/escalation.html", context, status=status)


def _targets(team: Team, draft: Draft, *, everybody: bool) -> list[Named]:
    """What a tier may name, in the order in which people look for it. Of other teams, who only
    reads it is told of those that are named.
    """
    named = [
        Named("reviewers", f"Reviewers of {team.name}"),
        Named("admins", f"Admins of {team.name}"),
    ]
    rotations = OnCallRotation.objects.filter(team=team)
    named += [Named(f"rotation:{one.pk}", f"On call: {one.name}") for one in rotations]
    named += [Named(f"person:{one.key}", one.label) for one in names_for(team)]
    chosen = {target for tier in draft.tiers for target in tier.targets}
    others = [
        Named(f"team:{one.pk}", f"Reviewers of {one.name} who also decide here")
        for one in Team.objects.exclude(pk=team.pk).order_by("name")
    ]
    return named + [one for one in others if everybody or one.key in chosen]


def _channels(team: Team) -> list[Named]:
    found = NotificationChannel.objects.filter(Q(team=team) | Q(team=None))
    return [Named(str(one.pk), f"{one.name} ({one.get_kind_display()})") for one in found]

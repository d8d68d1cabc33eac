"""Teams and people: who can decide what, and where nobody can."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.console.agent_forms import administered_teams, known_people
from approvals.console.door import page, require_admin
from hitlconsole.accounts.access import may_administer, readable_teams
from hitlconsole.accounts.models import Membership, Role, Team, User
from hitlconsole.accounts.services import (
    create_sign_in_link,
    ensure_person,
    ensure_team,
    person,
    set_membership,
)
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.problems import Problem


class TeamForm(forms.Form):
    name = forms.CharField(max_length=80)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Team.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError("There is a team of this name already.")
        return name


class InviteForm(forms.Form):
    """The person, and a first role in a team that the inviting person administers."""

    email = forms.EmailField(label="E-mail")
    name = forms.CharField(max_length=120, required=False)
    team = forms.ModelChoiceField(Team.objects.none(), empty_label=None)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REVIEWER)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = administered_teams(user).order_by("name")  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    user = forms.ModelChoiceField(User.objects.filter(is_active=True))
    role = forms.ChoiceField(choices=Role.choices)
    member = forms.TypedChoiceField(
        choices=(("yes", "yes"), ("no", "no")), coerce=lambda word: word == "yes"
    )


@dataclass(frozen=True, slots=True)
class Member:
    user: User
    roles: Sequence[Role]


@dataclass(frozen=True, slots=True)
class TeamView:
    team: Team
    administers: bool
    members: list[Member] = field(default_factory=list)

    @property
    def reviewers(self) -> int:
        return sum(Role.REVIEWER in m.roles and m.user.is_active for m in self.members)

    @property
    def warning(self) -> str:
        """Where a decision hangs on nobody, or on one person alone."""
        if self.reviewers == 0:
            return "Nobody reviews here: what waits will escalate, and then expire."
        if self.reviewers == 1:
            return "One reviewer alone: while they are away nothing is decided."
        return ""


def load_teams(user: User) -> list[TeamView]:
    memberships = Membership.objects.filter(team__in=readable_teams(user)).select_related("user")
    by_team: dict[UUID, dict[UUID, Member]] = {}
    for membership in memberships.order_by("user__name", "role"):
        people = by_team.setdefault(membership.team_id, {})
        known = people.get(membership.user_id)
        roles = [*known.roles, Role(membership.role)] if known else [Role(membership.role)]
        people[membership.user_id] = Member(membership.user, roles)
    mine = set(administered_teams(user).values_list("pk", flat=True))
    return [
        TeamView(team, team.pk in mine, list(by_team.get(team.pk, {}).values()))
        for team in readable_teams(user).order_by("name")
    ]


def _render(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    user = current_user(request)
    teams = load_teams(user)
    administers = any(team.administers for team in teams)
    context = {
        "teams": teams,
        "administers_all": may_administer(user),
        "administers": administers,
        "roles": list(Role),
        "people": known_people(user) if administers else [],
        "team_form": TeamForm(),
        "invite_form": InviteForm(user=user),
        "invited": None,
        "link": "",
    }
    return render(request, "console/team.html", context | more, status=status)


@page
@require_safe
def show_team(request: HttpRequest) -> HttpResponse:
    return _render(request)


@page
@require_POST
def new_team(request: HttpRequest) -> HttpResponse:
    require_admin(request)
    form = TeamForm(request.POST)
    if not form.is_valid():
        return _render(request, 422, team_form=form)
    team = ensure_team(form.cleaned_data["name"], by=person(current_user(request)))
    messages.success(request, f"The team {team.name} is there; give it two reviewers.")
    return redirect("console:team")


@page
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """The answer itself shows the link: only its digest is kept.

    Who administers a team alone gets a link only for a person that was not here before: a link
    of somebody else's account would open all that person's teams.
    """
    user = current_user(request)
    if not administered_teams(user).exists():
        raise Problem("not_allowed", "Only an admin can invite people.")
    form = InviteForm(request.POST, user=user)
    if not form.is_valid():
        return _render(request, 422, invite_form=form)
    known = User.objects.filter(email__iexact=form.cleaned_data["email"]).exists()
    invited = _invite(user, form.cleaned_data)
    if known and not user.is_superuser:
        messages.success(request, f"{invited.name} has an account already and the role now.")
        return redirect("console:team")
    return _render(request, invited=invited, link=create_sign_in_link(invited, by=person(user)))


@transaction.atomic
def _invite(user: User, given: dict[str, Any]) -> User:
    by = person(user)
    invited = ensure_person(given["email"], name=given["name"], by=by)
    set_membership(invited, given["team"], Role(given["role"]), by=by)
    return invited


@page
@require_POST
def change_role(request: HttpRequest, team_id: UUID) -> HttpResponse:
    user = current_user(request)
    team = readable_teams(user).filter(pk=team_id).first()
    if team is None:
        raise Problem("not_found", "There is no such team.")
    require_admin(request, team)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Problem("invalid_request", "Choose a person and a role.")
    given = form.cleaned_data
    set_membership(
        given["user"], team, Role(given["role"]), member=given["member"], by=person(user)
    )
    words = "has" if given["member"] else "no longer has"
    role = Role(given["role"]).label.lower()
    messages.success(request, f"{given['user'].name} {words} the role {role} in {team.name}.")
    return redirect("console:team")

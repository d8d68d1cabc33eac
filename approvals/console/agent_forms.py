"""Forms about agents, their keys and their autonomy."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from approvals.console.words import LEVEL_OPTIONS
from hitlconsole.accounts.access import may_administer, readable_teams, teams_with_role
from hitlconsole.accounts.models import Agent, Role, Scope, Team, User

LIFETIMES = (("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))


def administered_teams(user: User) -> QuerySet[Team]:
    return Team.objects.all() if user.is_superuser else teams_with_role(user, Role.ADMIN)


def known_people(user: User) -> QuerySet[User]:
    """Whom the person may name: everybody, or those of the own teams."""
    people = User.objects.filter(is_active=True)
    if not user.is_superuser:
        people = people.filter(memberships__team__in=readable_teams(user)).distinct()
    return people.order_by("name")


class AgentForm(forms.Form):
    """Teams are those that the person administers."""

    name = forms.RegexField(
        r"^[\w][\w .\-]*$",
        max_length=80,
        help_text="Letters, digits, spaces, dots and hyphens; shown wherever it asks.",
    )
    description = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it does, for the people who decide about it.",
    )
    team = forms.ModelChoiceField(
        Team.objects.none(),
        empty_label=None,
        help_text="Whose reviewers decide, where no action type says otherwise.",
    )
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody",
        help_text="Answers for the agent, sees its requests, and never approves them.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = administered_teams(user).order_by("name")  # type: ignore[attr-defined]
        self.fields["owner"].queryset = known_people(user)  # type: ignore[attr-defined]


class NewAgentForm(AgentForm):
    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Agent.objects.filter(name=name).exists():
            raise forms.ValidationError("There is an agent of this name already.")
        return name


class ChangeAgentForm(AgentForm):
    """The name stays: it is on record."""

    disabled = forms.BooleanField(
        required=False,
        label="Disabled",
        help_text="Its keys stop working at once. Its open requests stay decidable.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"]


class KeyForm(forms.Form):
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, scope.label) for scope in Scope if scope is not Scope.DECIDE],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.SUBMIT.value, Scope.EXECUTE.value],
        error_messages={"required": "A key without any scope opens nothing: choose one."},
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, required=False, label="Expires")


class MoveForm(forms.Form):
    action_type = forms.RegexField(r"^[a-z0-9_]+([.\-][a-z0-9_]+)*$", max_length=100)
    level = forms.TypedChoiceField(choices=LEVEL_OPTIONS, coerce=int)
    reason = forms.CharField(max_length=2000)


def may_create_agents(user: User) -> bool:
    return may_administer(user) or administered_teams(user).exists()

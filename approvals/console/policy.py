"""The policy in words, and a place to try it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.console.door import page
from approvals.console.words import LEVEL_EFFECT, LEVEL_OPTIONS
from autonomy.models import DOMAIN_CHOICES, ActionType, PolicyVersion
from autonomy.policy.asked import Action, Asked, AskingAgent
from autonomy.policy.document import PolicyDocument
from autonomy.policy.evaluation import Evaluated, evaluate
from autonomy.policy.facts import Facts
from autonomy.policy.rules import Rule
from autonomy.services import current_policy, policy_version, registered_facts
from autonomy.vocabulary import Domain, Level, Recommendation
from hitlconsole.accounts.access import readable_agents
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.sessions import current_user
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.problems import Problem
from hitlconsole.lib.strictjson import StrictJSONError, loads
from hitlconsole.ui.formats import duration

TRUTH = {"": None, "yes": True, "no": False}
_LEVELS = [("", "No wish"), *LEVEL_OPTIONS]


class TryForm(forms.Form):
    """Facts as an agent would state them."""

    action_type = forms.CharField(max_length=100, required=False, label="Action type")
    arguments = forms.CharField(
        required=False,
        initial="{}",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="As JSON, for the rules that look at them.",
    )
    reversible = forms.ChoiceField(
        choices=(("", "Unknown"), ("yes", "Yes"), ("no", "No")),
        required=False,
        label="Can it be undone?",
    )
    domains = forms.MultipleChoiceField(
        choices=DOMAIN_CHOICES, required=False, widget=forms.CheckboxSelectMultiple
    )
    cost_usd = forms.DecimalField(
        min_value=0,
        max_digits=18,
        decimal_places=2,
        required=False,
        label="Cost in USD",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="Empty: unknown.",
    )
    confidence = forms.DecimalField(
        min_value=0,
        max_value=1,
        max_digits=6,
        decimal_places=5,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="0 to 1. Empty: unknown.",
    )
    recommendation = forms.ChoiceField(
        choices=[("", "None"), *((r.value, r.value.capitalize()) for r in Recommendation)],
        required=False,
    )
    profile = forms.TypedChoiceField(
        choices=LEVEL_OPTIONS, coerce=int, label="Autonomy of the agent", initial=2
    )
    requested = forms.TypedChoiceField(
        choices=_LEVELS, coerce=int, empty_value=None, required=False, label="The agent's wish"
    )
    failures = forms.IntegerField(
        min_value=0, max_value=1000, required=False, label="Recent failures", initial=0
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User) -> None:
        super().__init__(data)
        self.fields["agent"] = forms.ModelChoiceField(
            readable_agents(user), required=False, empty_label="Not known"
        )

    def clean_arguments(self) -> dict[str, Any]:
        try:
            arguments = loads((self.cleaned_data["arguments"] or "{}").encode())
        except StrictJSONError as error:
            raise ValidationError(f"{error.msg}.") from None
        if not isinstance(arguments, dict):
            raise ValidationError("This has to be a JSON object.")
        return arguments

    def asked(self) -> Asked:
        """Where no agent was chosen, rules that look at one can't be evaluated, and say so."""
        given = self.cleaned_data
        agent: Agent | None = given["agent"]
        return Asked(
            Action(given["action_type"], given["arguments"]),
            AskingAgent(agent.pk, agent.team_id) if agent else None,
            database_now(),
        )

    def facts(self) -> Facts:
        given = self.cleaned_data
        return Facts(
            reversible=TRUTH[given["reversible"]],
            domains=frozenset(Domain(domain) for domain in given["domains"]),
            cost_usd=given["cost_usd"],
            confidence=given["confidence"],
            recommendation=Recommendation(given["recommendation"])
            if given["recommendation"]
            else None,
            requested_level=None if given["requested"] is None else Level(given["requested"]),
            failures_24h=given["failures"] or 0,
        )


def try_policy(form: TryForm) -> Evaluated:
    """The level these facts would get now; nothing is stored."""
    name = form.cleaned_data["action_type"]
    registered = ActionType.objects.filter(name=name).first() if name else None
    return evaluate(
        facts=form.facts(),
        registered=registered_facts(registered),
        profile_level=Level(form.cleaned_data["profile"]),
        policy=current_policy(),
        asked=form.asked(),
        registered_quorum=registered.quorum if registered else None,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the matrix or of the bands: when it applies, and what it asks for."""

    when: str
    level: Level
    note: str = ""


def matrix_lines(policy: PolicyDocument) -> Sequence[Line]:
    """In the order in which they are tried; the first that applies decides."""
    soft, auto = policy.irreversible_soft_above, policy.reversible_auto_above
    lines = [
        Line("it touches money, personal data or something regulated", Level.HARD_APPROVAL),
        Line(f"it costs more than {_usd(policy.high_cost_usd)}", Level.HARD_APPROVAL),
        Line("it is registered without side effects", Level.FULL_AUTO),
    ]
    if not policy.irreversible_always_hard:
        when = f"it can't be undone, or might not, and confidence is above {soft}"
        lines.append(Line(when, Level.SOFT_APPROVAL))
    return [
        *lines,
        Line("it can't be undone, or might not", Level.HARD_APPROVAL),
        Line(f"its cost is known and confidence is above {auto}", Level.FULL_AUTO),
        Line("anything else", Level.SOFT_APPROVAL),
    ]


def confidence_lines(policy: PolicyDocument) -> Sequence[Line]:
    takeover, hard = policy.confidence_takeover_below, policy.confidence_hard_below
    soft, missing = policy.confidence_soft_below, policy.missing_confidence
    lines = [
        Line(f"below {takeover}, or the agent recommends to escalate", Level.HUMAN_TAKEOVER),
        Line(f"below {hard}, or the agent wants to clarify", Level.HARD_APPROVAL),
        Line(f"below {soft}", Level.SOFT_APPROVAL),
        Line(f"{soft} and above", Level.FULL_AUTO),
    ]
    return [*lines, Line("no score was given", missing)] if missing is not None else lines


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule with the name of the team it asks for."""

    rule: Rule
    team: str

    @property
    def terms(self) -> list[str]:
        """What the rule sets beside the level, in words."""
        rule = self.rule
        terms = [f"decided by {self.team}"] if rule.team else []
        if rule.quorum is not None:
            terms.append(f"{rule.quorum} approval{'s' if rule.quorum > 1 else ''} needed")
        if rule.soft_seconds is not None:
            terms.append(f"soft time limit {duration(rule.soft_seconds)}")
        if rule.hard_seconds is not None:
            terms.append(f"hard time limit {duration(rule.hard_seconds)}")
        return terms


def rule_lines(policy: PolicyDocument) -> list[RuleLine]:
    teams = {rule.team for rule in policy.rules if rule.team is not None}
    names = dict(Team.objects.filter(pk__in=teams).values_list("pk", "name"))
    return [
        RuleLine(rule, names.get(rule.team, str(rule.team)) if rule.team else "")
        for rule in policy.rules
    ]


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f} USD".replace(".00 ", " ")


@page
@require_safe
def show_policy(request: HttpRequest, number: int | None = None) -> HttpResponse:
    versions = list(PolicyVersion.objects.select_related("published_by"))
    shown = next((v for v in versions if number in (None, v.number)), None)
    if shown is None:
        raise Problem("not_found", "There is no such version of the policy.")
    policy = policy_version(shown.number)
    context = {
        "version": shown,
        "versions": versions,
        "current": shown == versions[0],
        "document": policy.document,
        "matrix": matrix_lines(policy.document),
        "confidence": confidence_lines(policy.document),
        "rules": rule_lines(policy.document),
        "level_effects": list(zip(Level, LEVEL_EFFECT, strict=True)),
        "action_types": ActionType.objects.values_list("name", flat=True),
    }
    return render(request, "console/policy.html", context | _tried(request))


def _tried(request: HttpRequest) -> dict[str, Any]:
    user = current_user(request)
    if "profile" not in request.GET:
        return {"form": TryForm(user=user), "evaluated": None}
    form = TryForm(request.GET, user=user)
    return {"form": form, "evaluated": try_policy(form) if form.is_valid() else None}

"""Making the demonstration's world, through the services, so that all of it is on record.

Whatever exists already is left as it is: people may have changed it since.
"""

from datetime import date, time

from django.db import transaction

from approvals.models import NotificationChannel, OnCallRotation, TeamEscalation, Transport
from approvals.services.channels import save_channel
from approvals.services.escalations import save_escalation, save_rotation
from approvals.vocabulary import Handover
from audit.events import SYSTEM
from autonomy.models import ActionType, AutonomyProfile
from autonomy.services import move_profile, save_action_type
from hitlconsole.accounts.keys import AGENT_SCOPES, authenticate
from hitlconsole.accounts.models import Agent, Team, User
from hitlconsole.accounts.services import (
    create_agent,
    create_key,
    create_service_key,
    ensure_person,
    ensure_team,
    set_membership,
)
from hitlconsole.demo.keys import DemoKeys, read_keys, write_keys
from hitlconsole.demo.world import (
    ACTION_TYPES,
    AGENTS,
    DESK,
    MAIL,
    ON_CALL,
    PAYMENTS,
    PEOPLE,
    SUPPORT,
    TEAMS,
    WITH_MAIL,
    ActionTypeSpec,
    AgentSpec,
    PersonSpec,
    escalation_of_payments,
    escalation_of_support,
)
from hitlconsole.lib.problems import Problem


def seed() -> None:
    """Idempotent. The keys' file is written after the commit that makes its keys valid."""
    with transaction.atomic():
        teams = {name: ensure_team(name) for name in TEAMS}
        for person in PEOPLE:
            _ensure_person(person, teams)
        for action_type in ACTION_TYPES:
            _ensure_action_type(action_type, teams)
        agents = [_ensure_agent(agent, teams) for agent in AGENTS]
        _ensure_ways_to_tell(teams)
        keys = _usable_keys(agents, read_keys())
    write_keys(keys)


def _ensure_person(spec: PersonSpec, teams: dict[str, Team]) -> None:
    if User.objects.filter(email__iexact=spec.email).exists():
        return
    user = ensure_person(spec.email, name=spec.name, admin=spec.admin)
    for team, role in spec.roles:
        set_membership(user, teams[team], role)


def _ensure_action_type(spec: ActionTypeSpec, teams: dict[str, Team]) -> None:
    if ActionType.objects.filter(name=spec.name).exists():
        return
    action_type = ActionType(
        name=spec.name,
        description=spec.description,
        arguments_schema=spec.schema,
        reversible=spec.reversible,
        domains=[domain.value for domain in spec.domains],
        cost_usd=spec.cost_usd,
        floor=spec.floor,
        side_effects=spec.side_effects,
        team=teams.get(spec.team),
        soft_seconds=spec.soft_seconds,
        hard_seconds=spec.hard_seconds,
        quorum=spec.quorum,
    )
    save_action_type(action_type, by=SYSTEM)


def _ensure_ways_to_tell(teams: dict[str, Team]) -> None:
    """Mail, a rotation and escalation policies, in the name of the admin."""
    admin = User.objects.get(email__iexact=next(one.email for one in PEOPLE if one.admin))
    for name in WITH_MAIL:
        _ensure_mail(teams[name], admin)
    rotation = _ensure_rotation(teams[PAYMENTS], admin)
    wanted = {
        PAYMENTS: escalation_of_payments(str(rotation.pk)),
        SUPPORT: escalation_of_support(),
    }
    for name, document in wanted.items():
        if not TeamEscalation.objects.filter(team=teams[name]).exists():
            save_escalation(teams[name], document, revision=0, by=admin)


def _ensure_mail(team: Team, admin: User) -> None:
    name = MAIL.format(team=team.name)
    if not NotificationChannel.objects.filter(team=team, name=name).exists():
        channel = NotificationChannel(
            kind=Transport.EMAIL, name=name, team=team, config={"subject_prefix": "[Demo]"}
        )
        save_channel(channel, {}, by=admin)


def _ensure_rotation(team: Team, admin: User) -> OnCallRotation:
    name, people = ON_CALL
    found = OnCallRotation.objects.filter(team=team, name=name).first()
    if found is not None:
        return found
    ids = dict(User.objects.filter(email__in=people).values_list("email", "pk"))
    rotation = OnCallRotation(
        team=team,
        name=name,
        people=[ids[email] for email in people],
        handover=Handover.WEEKLY,
        weekday=0,
        at=time(9),
        timezone="Europe/Lisbon",
        starts_on=date(2026, 1, 5),
    )
    return save_rotation(rotation, by=admin)


def _ensure_agent(spec: AgentSpec, teams: dict[str, Team]) -> Agent:
    agent = Agent.objects.filter(name=spec.name).first()
    if agent is None:
        owner = User.objects.filter(email__iexact=spec.owner).first() if spec.owner else None
        agent = create_agent(
            name=spec.name, team=teams[spec.team], owner=owner, description=spec.description
        )
    for action_type, (level, reason) in spec.trust.items():
        if not AutonomyProfile.objects.filter(agent=agent, action_type=action_type).exists():
            move_profile(
                agent=agent, action_type=action_type, level=level, reason=reason, by=SYSTEM
            )
    return agent


def _usable_keys(agents: list[Agent], kept: DemoKeys) -> DemoKeys:
    """Those of the file that still open the door, fresh ones for the rest."""
    usable = {a.name: kept.agents.get(a.name, "") for a in agents}
    for agent in agents:
        if not _opens(usable[agent.name]):
            usable[agent.name] = create_key(agent, scopes=AGENT_SCOPES)[1]
    desk = kept.desk if _opens(kept.desk) else create_service_key(DESK)[1]
    return DemoKeys(usable, desk)


def _opens(secret: str) -> bool:
    try:
        authenticate(secret)
    except Problem as problem:
        # A disabled agent keeps its key: somebody has switched it off on purpose.
        return problem.code == "agent_disabled"
    return True

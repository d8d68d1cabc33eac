"""Things that tests need, made through the real services."""

import hashlib
from decimal import Decimal
from itertools import count
from typing import Any

from approvals.models import ApprovalRequest
from approvals.services.intake import submit_requests
from approvals.services.intake_sql import Item
from approvals.submission import Submission
from audit.events import SYSTEM
from autonomy.models import ActionType
from autonomy.policy.facts import Facts
from autonomy.services import save_action_type
from hitlconsole.accounts.keys import authenticate
from hitlconsole.accounts.models import Agent, Role, Team, User
from hitlconsole.accounts.services import (
    create_agent,
    create_key,
    ensure_person,
    ensure_team,
    set_membership,
)

_numbers = count(1)


def make_team(name: str = "Payments") -> Team:
    return ensure_team(name)


def make_reviewer(team: Team, email: str | None = None, role: Role = Role.REVIEWER) -> User:
    email = email or f"reviewer-{next(_numbers)}@example.com"
    user = ensure_person(email, name=email.partition("@")[0])
    set_membership(user, team, role)
    return user


def make_admin(email: str = "admin@example.com") -> User:
    return ensure_person(email, name="admin", admin=True)


def make_agent(team: Team, name: str | None = None, owner: User | None = None) -> tuple[Agent, str]:
    """(agent, its key)."""
    agent = create_agent(name=name or f"agent-{next(_numbers)}", team=team, owner=owner)
    return agent, create_key(agent)[1]


def make_action_type(name: str, **facts: Any) -> ActionType:
    return save_action_type(ActionType(name=name, **facts), by=SYSTEM)


AUTO = Facts(reversible=True, cost_usd=Decimal(0), confidence=Decimal("0.90"))
SOFT = Facts(reversible=True, cost_usd=Decimal(0), confidence=Decimal("0.82"))
HARD = Facts(reversible=False, cost_usd=Decimal(420), confidence=Decimal("0.90"))
TAKEOVER = Facts(confidence=Decimal("0.10"))


def make_submission(**fields: Any) -> Submission:
    defaults: dict[str, Any] = {
        "action_type": "refund.create",
        "arguments": {"order": "5512", "amount": "420.00"},
        "description": "Refund order 5512: parcel lost",
        "facts": SOFT,
        "risk": {},
        "body_sha256": hashlib.sha256(repr(sorted(fields.items())).encode()).digest(),
    }
    return Submission(**(defaults | fields))


def ask(key: str, **fields: Any) -> Any:
    """What the intake answers: Submitted, or the problem."""
    (answer,) = submit_requests([Item(authenticate(key), make_submission(**fields))])
    return answer


def submit(key: str, **fields: Any) -> ApprovalRequest:
    """A stored request; an answer that is a problem is raised."""
    answer = ask(key, **fields)
    if isinstance(answer, Exception):
        raise answer
    return ApprovalRequest.objects.get(pk=answer.request_id)

"""What a benchmark does inside the application, in a process of its own with its environment.

`python -m bench.inside seed AGENTS` makes a team, a reviewer and agents, and prints them as JSON.
`python -m bench.inside sweep BATCH` sweeps until nothing is due, and prints how many changed.
`python -m bench.inside sessions COUNT` signs in so many reviewers, and prints their cookies.
`python -m bench.inside decide REVIEWER` approves each request whose id it reads, and prints the
monotonic clock in nanoseconds before the decision and after its commit.
"""

import json
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import django

django.setup()  # what is imported below needs the apps

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import transaction  # noqa: E402

from approvals.services.deadlines import sweep_due  # noqa: E402
from approvals.services.decide import decide_request  # noqa: E402
from approvals.vocabulary import Channel, Verdict  # noqa: E402
from hitlconsole.accounts.models import Role, Team, User  # noqa: E402
from hitlconsole.accounts.services import (  # noqa: E402
    create_agent,
    create_key,
    ensure_person,
    ensure_team,
    set_membership,
)

REVIEWER = "reviewer@example.com"


def seed(agents: int) -> None:
    team = ensure_team("Payments")
    set_membership(ensure_person(REVIEWER, name="Rea"), team, Role.REVIEWER)
    made = [_agent(team, number) for number in range(agents)]
    print(json.dumps({"reviewer": REVIEWER, "agents": made}))


def _agent(team: Team, number: int) -> dict[str, str]:
    agent = create_agent(name=f"agent-{number}", team=team)
    return {"id": str(agent.id), "key": create_key(agent)[1]}


def sessions(count: int) -> None:
    team = ensure_team("Payments")
    print(json.dumps([_session(team, number) for number in range(count)]))


def _session(team: Team, number: int) -> str:
    person = ensure_person(f"looker-{number}@example.com", name=f"Looker {number}")
    set_membership(person, team, Role.REVIEWER)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def decide(email: str) -> None:
    reviewer = User.objects.get(email=email)
    for line in sys.stdin:
        begun, committed = _approve(reviewer, UUID(line.strip()))
        print(begun, committed, flush=True)


def _approve(reviewer: User, request_id: UUID) -> tuple[int, int]:
    begun = time.monotonic_ns()
    # Around the service's own transaction, so that the clock is read right after the commit.
    with transaction.atomic():
        decide_request(
            request_id=request_id,
            reviewer=reviewer,
            verdict=Verdict.APPROVE,
            revision=1,
            channel=Channel.API,
            acknowledged="cannot be undone",
        )
    return begun, time.monotonic_ns()


def sweep(batch: int) -> None:
    total = 0
    while changed := sweep_due(batch):
        total += changed
    print(total)


def main(arguments: Sequence[str]) -> None:
    command, argument = arguments
    if command == "seed":
        seed(int(argument))
    elif command == "sessions":
        sessions(int(argument))
    elif command == "sweep":
        sweep(int(argument))
    else:
        decide(argument)


main(sys.argv[1:])

"""One side of a race, as a process of its own: `python -m tests.races.racer decide EMAIL` or `due`.

Reads request ids, acts on each as fast as it can, and says what came of it.
"""

import sys
from collections.abc import Callable
from uuid import UUID

import django

django.setup()  # what is imported below needs the apps

from approvals.services.deadlines import run_due_step  # noqa: E402
from approvals.services.decide import decide_request  # noqa: E402
from approvals.vocabulary import Channel, Verdict  # noqa: E402
from hitlconsole.accounts.models import User  # noqa: E402
from hitlconsole.lib.problems import Problem  # noqa: E402


def decide(request_id: UUID) -> str:
    try:
        decide_request(
            request_id=request_id,
            reviewer=User.objects.get(email=sys.argv[2]),
            verdict=Verdict.APPROVE,
            revision=1,
            channel=Channel.API,
            acknowledged="cannot be undone",
        )
    except Problem as problem:
        return problem.code
    return "decided"


def run_due(request_id: UUID) -> str:
    return "changed" if run_due_step(request_id, channel=Channel.SWEEP) else "nothing"


ACTIONS: dict[str, Callable[[UUID], str]] = {"decide": decide, "due": run_due}

if __name__ == "__main__":
    act = ACTIONS[sys.argv[1]]
    print("ready", flush=True)
    for line in sys.stdin:
        print(act(UUID(line.strip())), flush=True)

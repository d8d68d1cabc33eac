"""Who looks at a stream: known by the session's cookie, with what this person may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest, parse_cookie

from hitlconsole.accounts.models import User
from hitlconsole.accounts.sessions import session_digest

# One statement for all of them: is the session there, is the account on, which rights has it now?
_LOOK = """
SELECT held.key, person.password, person.is_superuser,
       ARRAY(SELECT DISTINCT team_id FROM accounts_membership WHERE user_id = person.id),
       ARRAY(SELECT id FROM accounts_agent WHERE owner_id = person.id)
FROM unnest(%s::text[], %s::uuid[]) AS held (key, user_id)
JOIN django_session AS session ON session.session_key = held.key
     AND session.expire_date > (SELECT hitl_now())
JOIN accounts_user AS person ON person.id = held.user_id AND person.is_active
"""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session and whose it is, as it was when the stream began."""

    session_key: str
    user_id: UUID
    password: str

    @property
    def digest(self) -> str:
        return session_digest(self.session_key)


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose requests a person may see (approvals.access.in_sight, without the database)."""

    everything: bool
    teams: frozenset[str]
    agents: frozenset[str]

    def covers(self, team_id: str, agent_id: str) -> bool:
        return self.everything or team_id in self.teams or agent_id in self.agents


def find_ticket(cookies: str) -> Ticket | None:
    """As Django finds the person of a request; None where nobody is signed in."""
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request = HttpRequest()
    request.session = SessionStore(key)
    user = get_user(request)
    return Ticket(key, user.id, user.password) if isinstance(user, User) else None


def look_up(tickets: Iterable[Ticket]) -> dict[Ticket, Sight]:
    """What each may see at this moment; those whose session has ended are left out."""
    held = {ticket.session_key: ticket for ticket in tickets}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [list(held), [ticket.user_id for ticket in held.values()]])
        found = cursor.fetchall()
    return {
        held[key]: Sight(superuser, frozenset(map(str, teams)), frozenset(map(str, agents)))
        for key, password, superuser, teams, agents in found
        # A new password ends the sessions that were opened with the old one.
        if password == held[key].password
    }


def admit(cookies: str) -> tuple[Ticket, Sight] | None:
    ticket = find_ticket(cookies)
    sight = look_up([ticket]).get(ticket) if ticket else None
    return (ticket, sight) if ticket and sight else None

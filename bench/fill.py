"""Fills a console's database with a long history, in a process of its own with its environment.

`python -m bench.fill AGENTS HISTORY OPEN` adds closed and open requests until there are so many,
spread over the agents whose ids are given (comma-separated), as copies of the newest real request
with texts, amounts and times of their own. It prints what can be searched for as JSON: the order
of an open request, and a word that one in a hundred has.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import django

django.setup()  # what is imported below needs the apps

from django.db import connection, connections  # noqa: E402
from psycopg import sql  # noqa: E402

from approvals.models import ApprovalRequest  # noqa: E402

BATCH = 50_000
VOCABULARY, NOTES, NOTE_WORDS = 3000, 2000, 40
FIRST_ORDER = 1_000_000
SYLLABLES = ["ba", "co", "du", "fe", "gi", "ho", "ka", "le", "mi", "no", "qui", "ro", "sa", "ver"]

# What differs from the model, by column; the rest is copied. `n` counts the requests.
COPY = {
    "agent_id": "agent.id",
    "team_id": "agent.team_id",
    "action": "convert_to(made.action, 'UTF8')",
    "action_sha256": "sha256(convert_to(made.action, 'UTF8'))",
    "action_type": "made.type",
    "description": "made.description",
    "cost_usd": "made.amount",
    "idempotency_key": "NULL",
    "reminder_at": "NULL",
}
# One in a thousand is of a type that hardly anybody uses.
MADE = """
SELECT series.n, note.text AS note,
       ((n::bigint * 7919 %% 100000)::numeric / 100)::numeric(12, 2) AS amount,
       CASE WHEN n %% 1000 = 0 THEN 'ledger.close'
            ELSE (ARRAY['refund.create', 'email.send', 'ticket.reply', 'invoice.pay'])[1 + n %% 4]
       END AS type
FROM generate_series(%(first)s, %(last)s) AS series (n)
JOIN unnest(%(notes)s::text[]) WITH ORDINALITY AS note (text, place)
    ON note.place = 1 + series.n %% %(many_notes)s
"""
COPIES = """
INSERT INTO approvals_approvalrequest ({columns})
SELECT {values}
FROM (
    SELECT *, format('%%s order ORD-%%s: %%s', initcap(split_part(type, '.', 2)), {first_order} + n,
                     split_part(note, ' ', 1)) AS description,
           format('{{"arguments":{{"amount":"%%s","note":"%%s","order":"ORD-%%s"}},"type":"%%s"}}',
                  amount, note, {first_order} + n, type) AS action
    FROM ({made}) AS kind
) AS made
JOIN unnest(%(agents)s::uuid[]) WITH ORDINALITY AS chosen (id, place)
    ON chosen.place = 1 + made.n %% %(many)s
JOIN accounts_agent AS agent ON agent.id = chosen.id
JOIN approvals_approvalrequest AS model ON model.id = %(model)s
"""
# Two minutes apart, the last one an hour ago.
CLOSED = {
    "id": "uuidv7(-make_interval(mins => 60 + 2 * (%(end)s - n)::int))",
    "status": "'approved'",
    "level": "1",
    "resolution": "'automatic'",
    "execution": "'reported'",
    "deadline": "NULL",
    "waiting_since": "NULL",
    "created_at": "hitl_now() - make_interval(mins => 60 + 2 * (%(end)s - n)::int)",
    "closed_at": "hitl_now() - make_interval(mins => 60 + 2 * (%(end)s - n)::int)",
}
# They wait for hours, so that nothing becomes due while it is measured.
OPEN = {
    "id": "uuidv7(-make_interval(secs => %(end)s - n))",
    "created_at": "hitl_now() - make_interval(secs => %(end)s - n)",
    "deadline": "hitl_now() + make_interval(hours => 8, secs => n)",
}


def add_requests(agents: Sequence[str], history: int, waiting: int) -> None:
    """As many as there are to be, with those that are there."""
    closed = ApprovalRequest.objects.filter(closed_at__isnull=False).count()
    opened = ApprovalRequest.objects.filter(closed_at__isnull=True).count()
    _add(agents, COPY | CLOSED, closed, history - waiting)
    _add(agents, COPY | OPEN, opened, waiting)


def _notes() -> list[str]:
    """The same each time. Most words are rare, as in any language."""
    chance = random.Random(7)
    words = ["".join(chance.choices(SYLLABLES, k=chance.choice((2, 3)))) for _ in range(VOCABULARY)]
    return [
        " ".join(words[int(VOCABULARY * chance.random() ** 3)] for _ in range(NOTE_WORDS))
        for _ in range(NOTES)
    ]


def _rare_word() -> str:
    having = Counter(word for note in _notes() for word in set(note.split()))
    return min(having, key=lambda word: (abs(having[word] - NOTES // 100), word))


def _add(agents: Sequence[str], expressions: dict[str, str], have: int, want: int) -> None:
    columns = [str(field.column) for field in ApprovalRequest._meta.concrete_fields]
    values = [sql.SQL(expressions.get(name, f"model.{name}")) for name in columns]
    statement = sql.SQL(COPIES).format(
        columns=sql.SQL(", ").join([sql.Identifier(name) for name in columns]),
        values=sql.SQL(", ").join(values),
        made=sql.SQL(MADE),
        first_order=sql.Literal(FIRST_ORDER),
    )
    model = ApprovalRequest.objects.filter(closed_at__isnull=True).latest("created_at").id
    fields: dict[str, Any] = {"end": want, "model": model, "agents": list(agents)}
    fields |= {"many": len(agents), "notes": _notes(), "many_notes": NOTES}
    for first in range(have, want, BATCH):
        last = min(first + BATCH, want) - 1
        with connection.cursor() as cursor:
            cursor.execute(statement, fields | {"first": first, "last": last})


def main(arguments: Sequence[str]) -> None:
    agents, history, waiting = arguments
    add_requests(agents.split(","), int(history), int(waiting))
    # As a server does by itself in time; only the owner may.
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(json.dumps({"order": f"ORD-{FIRST_ORDER}", "rare": _rare_word()}))


if __name__ == "__main__":
    main(sys.argv[1:])

"""The submission that both benchmarks send: a refund that a person has to approve, of 1 KB."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bench.client import Connection, Reply, request_bytes

SUBMIT = "/api/v1/requests"
BODY = {
    "action": {
        "type": "refund.create",
        "arguments": {
            "order": "5512",
            "amount": "420.00",
            "currency": "USD",
            "reason": "parcel_lost",
            "items": [{"sku": "KB-204", "quantity": 1}, {"sku": "MS-118", "quantity": 2}],
        },
    },
    "description": "Refund order 5512: the carrier confirmed that the parcel was lost",
    "risk": {"reversible": False, "domains": ["financial"], "cost_usd": "420.00"},
    "confidence": {
        "score": 0.82,
        "rationale": "The carrier confirmed the loss, and the order is within its warranty.",
        "uncertainties": ["order partly shipped"],
        "recommendation": "PROCEED",
    },
    "context": {
        "task": "Answer ticket 881: where is my parcel?",
        "history": [
            {
                "at": "2026-01-31T12:00:00Z",
                "action": "orders.read 5512",
                "result": "shipped, two parcels",
            },
            {
                "at": "2026-01-31T12:00:09Z",
                "action": "carrier.track 1Z999AA10123456784",
                "result": "one parcel lost",
            },
        ],
        "state": {"ticket": 881},
    },
    "on_behalf_of": "customer@example.com",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "resume_state": {"step": 4},
}


class WrongAnswerError(Exception):
    """The console answered, but not what it has to."""


def submission(host: str, key: str, idempotency_key: str) -> bytes:
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    return request_bytes("POST", SUBMIT, host, headers, json.dumps(BODY).encode())


class Asker:
    """Asks for several agents in turn, each question under a key of its own; counts the answers."""

    def __init__(self, address: tuple[str, int], keys: Sequence[str], prefix: str) -> None:
        self._host = f"{address[0]}:{address[1]}"
        self._keys = keys
        self._prefix = prefix
        self._sent = 0
        self.answered = 0

    async def ask(self, line: Connection) -> Reply:
        """Raises WrongAnswerError unless the answer is that the agent has to wait."""
        key = self._keys[self._sent % len(self._keys)]
        self._sent += 1
        reply = await line.ask(submission(self._host, key, f"{self._prefix}{self._sent}"))
        if reply.status != 202 or b'"proceed":false' not in reply.body:
            raise WrongAnswerError(f"{reply.status}: {reply.body[:1000].decode()}")
        self.answered += 1
        return reply


def request_id_of(reply: Reply) -> UUID:
    answer: dict[str, Any] = json.loads(reply.body)
    return UUID(answer["id"])

"""What happens in a scene, as values. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hitlconsole.lib.clock import rfc3339

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """A step of the agent's history, as long ago as it was."""

    minutes_ago: float
    action: str
    result: Any


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the console. `label` is what the log calls it: an amount, an order."""

    action_type: str
    arguments: Json
    label: str
    description: str
    task: str
    score: float | None = None
    rationale: str = ""
    uncertainties: tuple[str, ...] = ()
    recommendation: str | None = None
    cost: Decimal | None = None
    reversible: bool | None = None
    domains: tuple[str, ...] = ()
    history: tuple[Done, ...] = ()
    state: Json = field(default_factory=dict)
    on_behalf_of: str | None = None

    def body(self, now: datetime) -> Json:
        """The API's body; `resume_state` and `previous` are the caller's to add."""
        return {
            "action": {"type": self.action_type, "arguments": self.arguments},
            "description": self.description,
            "risk": self._risk(),
            "confidence": self._confidence(),
            "context": {
                "task": self.task,
                "history": [_step(done, now) for done in self.history],
                "state": self.state,
            },
            "on_behalf_of": self.on_behalf_of,
        }

    def _risk(self) -> Json:
        risk: Json = {"domains": list(self.domains)}
        if self.reversible is not None:
            risk["reversible"] = self.reversible
        if self.cost is not None:
            risk["cost_usd"] = f"{self.cost:.2f}"
        return risk

    def _confidence(self) -> Json | None:
        if self.score is None:
            return None
        return {
            "score": self.score,
            "rationale": self.rationale or None,
            "uncertainties": list(self.uncertainties),
            "recommendation": self.recommendation,
        }


def _step(done: Done, now: datetime) -> Json:
    at = now - timedelta(minutes=done.minutes_ago)
    return {"at": rfc3339(at), "action": done.action, "result": done.result}


@dataclass(frozen=True, slots=True)
class Move:
    """What a colleague decides through the chat desk, some seconds after the question.

    `edits` replaces arguments (verdict approve_with_edits).
    """

    reviewer: str
    verdict: str
    after: float
    notes: str = ""
    edits: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the execution goes, after so many seconds."""

    result: str = "success"
    details: Json = field(default_factory=dict)
    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    after: float
    reason: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One case of an agent: what it asks, and how it takes what people answer.

    `retry` is asked once, naming the rejected request; without it a rejection ends the case.
    """

    ask: Ask
    outcome: Outcome = Outcome()
    retry: Ask | None = None
    answer: str = "I have nothing to add to what the request says."
    withdrawal: Withdrawal | None = None
    desk: Move | None = None


SceneMaker = Callable[[Random], Scene]
Scenes = Mapping[str, SceneMaker]

"""Colleagues who decide some of the cases from their chat, through the decision API."""

import asyncio
from dataclasses import dataclass

from approvals.agent_client import AgentClient, ApiProblem, Json
from hitlconsole.demo.fleet.log import Log
from hitlconsole.demo.scenes.scene import Move

WORDS = {
    "approve": "approves",
    "approve_with_edits": "approves with edits",
    "reject": "rejects",
    "ask": "asks",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """An outside system with a key of its own: it decides in the name of people."""

    client: AgentClient
    log: Log
    pace: float

    async def play(self, move: Move, request: Json) -> None:
        """Decides what was shown, some seconds later; somebody else may have been faster."""
        await asyncio.sleep(move.after / self.pace)
        what = f"{move.reviewer} {WORDS[move.verdict]} {request['action']['type']}"
        try:
            await self.client.decide(request["id"], decision(move, request))
        except ApiProblem as problem:
            self.log.say(f"{what}: not done, {problem.words}")
        else:
            self.log.say(f"{what}{f': {move.notes}' if move.notes else ''}")


def decision(move: Move, request: Json) -> Json:
    body: Json = {
        "verdict": move.verdict,
        "reviewer": move.reviewer,
        "revision": request["revision"],
        "notes": move.notes,
        "acknowledged": "The risks that the console names.",
    }
    if move.edits:
        action = request["action"]
        body["edited_action"] = action | {"arguments": action["arguments"] | move.edits}
    return body

"""What an agent does next about a request of its own, from the request alone. Pure."""

from dataclasses import dataclass
from enum import Enum, auto

from approvals.agent_client import Json
from approvals.vocabulary import OPEN, Status
from hitlconsole.demo.scenes.scene import Ask, Scene


class Step(Enum):
    WAIT = auto()
    ANSWER = auto()
    EXECUTE = auto()
    ASK_AGAIN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which question of the scene is meant; the second is the adjusted one."""

    number: int
    ask: Ask


def attempt(scene: Scene, number: int) -> Attempt:
    return Attempt(number, scene.retry if number > 1 and scene.retry else scene.ask)


def next_step(request: Json, scene: Scene, number: int, *, answered: int) -> Step:
    """`answered`: the revision whose question was answered already, 0 for none."""
    status = request["status"]
    if status == Status.NEEDS_INFO:
        return Step.WAIT if answered == request["revision"] else Step.ANSWER
    if status in OPEN:
        return Step.WAIT
    if request["proceed"]:
        return Step.EXECUTE
    if status == Status.REJECTED and scene.retry is not None and number == 1:
        return Step.ASK_AGAIN
    return Step.END


def state_words(request: Json) -> str:
    """HARD_APPROVAL pending; HARD_APPROVAL needs info: Why?; rejected: Too much."""
    status = request["status"]
    if status in OPEN:
        return f"{request['level']} {status.replace('_', ' ')}{_notes(request)}"
    return f"{_closed_words(request)}{_notes(request)}"


def _closed_words(request: Json) -> str:
    if request["resolution"] == "automatic":
        return f"{request['level']} approved by the policy"
    if request["resolution"] == "silent_consent":
        return "approved by silence"
    edited = " with edits" if request["edited"] and request["proceed"] else ""
    return f"{request['status'].replace('_', ' ')}{edited}"


def _notes(request: Json) -> str:
    by_a_person = request["decision"] and request["decision"]["reviewer_id"]
    notes = request["decision"]["notes"] if by_a_person else None
    return f": {notes}" if notes else ""

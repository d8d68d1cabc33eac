"""What callers receive, as the OpenAPI document declares it; the tests hold every answer to it."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from approvals.api.bodies import LevelName, StatusName, VerdictName
from hitlconsole.lib.problems import CATALOGUE

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Shape(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Action(Shape):
    type: str
    arguments: dict[str, Any]


class TraceStep(Shape):
    """One opinion about the level. The strictest opinion is the level."""

    source: str = Field(description="What speaks: matrix, confidence, autonomy, rules and so on.")
    level: LevelName
    reason: str
    binding: bool = Field(description="Whether it is as strict as the result.")


class DecisionOut(Shape):
    """What closed the request: a person, or fixed words where nobody was asked. While the request
    is needs_info: the question, in `notes`.
    """

    verdict: VerdictName | None
    reviewer_id: UUID | None
    notes: str | None
    at: Time


class Links(Shape):
    self: str
    console: str


class NoticeGiven(Shape):
    """What proves the notice: a message that its provider accepted, or an open queue."""

    kind: Literal["delivery", "presence"]
    transport: Literal["email", "slack", "webhook", "apprise", ""]
    at: Time


class NoticeOut(Shape):
    needed_by: Time | None = Field(description="The latest moment; null once it is closed.")
    given: NoticeGiven | None


class RequestOut(Shape):
    """A request in its present state. `proceed` is the only field a careless client must read."""

    id: UUID
    revision: int = Field(
        ge=1, description="Grows with status, level, action, messages and deadline."
    )
    status: StatusName
    proceed: bool = Field(description="True only while an approval may still be executed.")
    level: LevelName
    resolution: (
        Literal["automatic", "human", "silent_consent", "withdrawn", "exhausted", "takeover"] | None
    ) = Field(description="How it closed; null while it is open.")
    action: Action = Field(description="What may be executed if it is approved.")
    edited: bool = Field(description="Whether a person changed the action.")
    reason: str | None
    decision: DecisionOut | None
    takeover: UUID | None
    execution: Literal["available", "claimed", "lapsed", "revoked", "reported"] | None
    approval_expires_at: Time | None
    trace: list[TraceStep] = Field(description="Why this level.")
    policy_version: int
    deadline: Time | None = Field(description="When silence counts; null: the clock is stopped.")
    on_deadline: Literal["approve", "escalate", "expire"] | None = Field(
        description="What silence will mean. Consent needs that people were told; otherwise the"
        " request escalates."
    )
    notice: NoticeOut | None = Field(
        description="Where silence may consent: whether people were told in time. Null elsewhere."
    )
    receipt: None = Field(description="Always null in this version.")
    resume_state: Any = Field(json_schema_extra={"description": "As it was sent."})
    previous: UUID | None
    links: Links
    created_at: Time
    closed_at: Time | None


class RequestPage(Shape):
    """Newest first."""

    items: list[RequestOut]
    next_cursor: str | None = Field(description="Null on the last page.")


class FieldErrorOut(Shape):
    loc: list[str | int] = Field(description="Keys and indexes that lead to the wrong field.")
    msg: str = Field(description="What would be right.")


class ProblemOut(Shape):
    """RFC 9457. `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(json_schema_extra={"enum": list(CATALOGUE)})
    errors: list[FieldErrorOut] | None = None
    request: RequestOut | UUID | None = Field(
        default=None, description="With a conflict: the request in its present state, or its id."
    )
    takeover: UUID | None = Field(
        default=None, description="With agent_read_only: what stopped the agent."
    )


class BatchAnswer(Shape):
    """One item's answer: what the single call would have said."""

    status: int = Field(description="The HTTP status of the single call.")
    replayed: bool
    request: RequestOut | None
    problem: ProblemOut | None


class BatchOut(Shape):
    items: list[BatchAnswer] = Field(description="In the order of the submissions.")


class EvaluationOut(Shape):
    """What the policy says at this moment; nothing is stored."""

    level: LevelName
    trace: list[TraceStep]
    policy_version: int


class MessageOut(Shape):
    id: UUID
    kind: Literal["answer", "evidence"]
    text: str
    data: Any
    at: Time
    request: RequestOut


class OutcomeOut(Shape):
    result: Literal["success", "failure"]
    reported_at: Time
    stored: bool = Field(description="False: this had been reported before, nothing changed.")


class ProfileOut(Shape):
    """How far the agent is trusted with one action type."""

    action_type: str
    level: LevelName
    streak: int = Field(description="Successes in a row.")


class TakeoverOut(Shape):
    id: UUID
    source: Literal["policy", "reviewer"]
    reason: str
    request: UUID | None
    started_at: Time


class AgentOut(Shape):
    id: UUID
    name: str
    team: str
    status: Literal["active", "read_only"]
    profiles: list[ProfileOut]
    grants: list[dict[str, Any]] = Field(max_length=0, description="Empty in this version.")
    takeover: TakeoverOut | None = Field(description="The open one, which makes it read-only.")

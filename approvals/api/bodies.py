"""What callers send: strict, closed models, so that nothing is guessed and nothing ignored."""

import json
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from hitlconsole.lib.outbound import check_url

MAX_RESUME_STATE_BYTES = 64 * 1024
MAX_BATCH = 100
MAX_WAIT_SECONDS = 60
MAX_PAGE = 200
PAGE = 50

ACTION_TYPE_PATTERN = r"^[a-z0-9_]+([.\-][a-z0-9_]+)*$"
MONEY_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,2})?$"
TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+\-][0-9]{2}:[0-9]{2})$"
)
TRACEPARENT_PATTERN = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
URL_PATTERN = r"^https?://[A-Za-z0-9.\-_\[\]:]+([/?#][!-~]*)?$"
SOMETHING_PATTERN = r"[^\s]"

LevelName = Literal["FULL_AUTO", "NOTIFY_ONLY", "SOFT_APPROVAL", "HARD_APPROVAL", "HUMAN_TAKEOVER"]
DomainName = Literal["financial", "pii", "regulated"]
RecommendationName = Literal["PROCEED", "CLARIFY", "ESCALATE"]
VerdictName = Literal["approve", "approve_with_edits", "reject", "ask", "escalate", "take_over"]
StatusName = Literal[
    "pending",
    "needs_info",
    "escalated",
    "approved",
    "rejected",
    "cancelled",
    "expired",
    "taken_over",
]


def _possible_target(url: str) -> str:
    flaw = check_url(url)
    if flaw:
        raise ValueError(f"cannot be called: {flaw}")
    return url


def _small_state(state: Any) -> Any:
    size = len(json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_RESUME_STATE_BYTES:
        raise ValueError(f"must be at most {MAX_RESUME_STATE_BYTES} bytes of JSON, it has {size}")
    return state


# A strict model would refuse the text of a UUID and take only Python's own type.
Id = Annotated[UUID, Field(strict=False)]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=SOMETHING_PATTERN)]
LongText = Annotated[str, Field(max_length=10_000)]
ActionTypeName = Annotated[str, Field(pattern=ACTION_TYPE_PATTERN, min_length=1, max_length=100)]
Money = Annotated[str, Field(pattern=MONEY_PATTERN)]
JsonObject = dict[str, Any]
Notes = Annotated[str, Field(max_length=4000)]


class Body(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )


class ActionIn(Body):
    """What the agent wants to do. These very bytes, in canonical form, are what people see."""

    type: ActionTypeName = Field(description="A registered action type, or any other name.")
    arguments: JsonObject = Field(
        description="The arguments, checked against the action type's JSON Schema if it has one."
    )


class RiskIn(Body):
    """What the agent knows about the risk. Left out means unknown, and unknown never loosens."""

    reversible: bool | None = Field(default=None, description="Whether the action can be undone.")
    domains: Annotated[list[DomainName], Field(max_length=10)] = Field(
        default=[], description="What the action touches; any of these is always looked at."
    )
    cost_usd: Money | None = Field(
        default=None, description="The cost in US dollars as a decimal string: 0 if it is free."
    )


class ConfidenceIn(Body):
    """How sure the agent is of its plan."""

    score: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="0 (a guess) to 1 (certain)."
    )
    rationale: LongText | None = None
    uncertainties: Annotated[
        list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)
    ] = Field(default=[], description="What the agent is not sure of, one thing each.")
    recommendation: RecommendationName | None = Field(
        default=None,
        description="CLARIFY asks people to answer something, ESCALATE hands the task over.",
    )


class HistoryStep(Body):
    at: Annotated[str, Field(pattern=TIME_PATTERN)] | None = Field(
        default=None, description="RFC 3339, with its offset."
    )
    action: Annotated[str, Field(max_length=10_000)]
    result: Any = Field(default=None, description="Any JSON value.")


class ContextIn(Body):
    """What a person needs in order to judge, and to carry on if they take over."""

    task: LongText | None = Field(default=None, description="What the agent is working on.")
    history: Annotated[list[HistoryStep], Field(max_length=500)] = Field(
        default=[], description="What was done so far, in order."
    )
    state: JsonObject | None = Field(default=None, description="Where things stand now.")


class SubmissionIn(Body):
    """A question: may I do this?"""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": {
                        "type": "refund.create",
                        "arguments": {"order": "5512", "amount": "420.00", "currency": "USD"},
                    },
                    "description": "Refund order 5512: parcel lost",
                    "risk": {"reversible": False, "domains": ["financial"], "cost_usd": "420.00"},
                    "confidence": {
                        "score": 0.82,
                        "rationale": "The carrier confirmed the loss.",
                        "uncertainties": ["order partly shipped"],
                        "recommendation": "PROCEED",
                    },
                    "context": {"task": "Answer ticket 881", "history": [], "state": {}},
                    "on_behalf_of": "customer@example.com",
                    "resume_state": {"step": 4},
                }
            ]
        }
    )

    action: ActionIn
    description: Text = Field(description="One sentence for the reviewer: what, and why.")
    risk: RiskIn = Field(default=RiskIn())
    confidence: ConfidenceIn | None = None
    requested_level: LevelName | None = Field(
        default=None,
        description="A stricter level than the policy asks for; a laxer one has no effect.",
    )
    context: ContextIn | None = None
    on_behalf_of: Annotated[str, Field(max_length=254)] | None = Field(
        default=None,
        description="Whom the agent acts for. A reviewer of this address cannot approve.",
    )
    grant: None = Field(
        default=None, description="Must be null: delegation is not available in this version."
    )
    callback_url: (
        Annotated[
            str, Field(max_length=2000, pattern=URL_PATTERN), AfterValidator(_possible_target)
        ]
        | None
    ) = Field(
        default=None,
        description="An http(s) URL on the public network that is told what becomes of the request"
        " (Standard Webhooks). The long poll stays the truth: GET /requests/{id}?wait=60.",
    )
    traceparent: Annotated[str, Field(pattern=TRACEPARENT_PATTERN)] | None = Field(
        default=None,
        description="W3C Trace Context, to find the request from the agent's own traces.",
    )
    metadata: JsonObject = Field(default={}, description="The agent's own labels.")
    resume_state: Annotated[Any, AfterValidator(_small_state)] = Field(
        default=None,
        description="The agent's own suspended state, any JSON value of up to 64 KiB: it comes"
        " back with every answer, so that another process can go on.",
    )
    previous: Id | None = Field(
        default=None,
        description="The own rejected request that this one tries again in another way.",
    )


CLAIM_ID_PATTERN = r"^[!-~]{1,100}$"
IDEMPOTENCY_KEY_PATTERN = r"^[ -~]{1,255}$"


class BatchItemIn(SubmissionIn):
    """A submission with the key that makes repeating it harmless."""

    idempotency_key: Annotated[str, Field(pattern=IDEMPOTENCY_KEY_PATTERN)] | None = Field(
        default=None, description="As the Idempotency-Key header of a single submission."
    )


class BatchIn(Body):
    """Up to 100 questions, each with an answer of its own."""

    # Checked one by one: a wrong item has its own problem and does not spoil its neighbours.
    requests: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)]


class CancelIn(Body):
    """Why the question is withdrawn."""

    reason: Notes = ""


class MessageIn(Body):
    """An answer to a reviewer's question, or further evidence."""

    text: Annotated[str, Field(min_length=1, max_length=20_000, pattern=SOMETHING_PATTERN)]
    data: Annotated[Any, WithJsonSchema({})] = Field(
        default=None, description="Evidence in the form of any JSON value."
    )


class ExecutionIn(Body):
    """The claim of the one execution that an approval is good for."""

    claim_id: Annotated[str, Field(pattern=CLAIM_ID_PATTERN)] = Field(
        description="Chosen by the executor. The same id repeats the claim (a lost answer is no"
        " loss), another one is refused."
    )


class OutcomeIn(Body):
    """What became of the execution."""

    result: Literal["success", "failure"]
    details: Annotated[Any, WithJsonSchema({})] = Field(default=None, description="Any JSON value.")


class DecisionIn(Body):
    """A decision by an outside system, in the name of a person whose rights are checked."""

    verdict: VerdictName
    reviewer: Annotated[str, Field(min_length=3, max_length=254)] = Field(
        description="The e-mail address of the person who decides."
    )
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        description="The revision that the person saw."
    )
    notes: Notes = Field(
        default="",
        description="Required to reject (the reason), ask (the question), escalate and take over.",
    )
    edited_action: ActionIn | None = Field(
        default=None, description="With approve_with_edits, and only with it: what may be executed."
    )
    tier: Annotated[int, Field(ge=1, le=32_000)] | None = Field(
        default=None,
        description="With escalate, and only with it: the step to go to, in place of the next one.",
    )
    acknowledged: Notes = Field(
        default="",
        description="What the person confirmed to have looked at, in words. Required to approve at"
        " HARD_APPROVAL and above.",
    )


class WaitQuery(BaseModel):
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = Field(
        default=0, description="Seconds to wait for a change before answering."
    )
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None,
        description="The revision the caller knows: the answer comes at once if there is a newer"
        " one. Without it, any change after the arrival counts.",
    )


class ListQuery(BaseModel):
    status: StatusName | None = None
    action_type: ActionTypeName | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="The next_cursor of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = PAGE

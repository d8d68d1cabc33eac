"""What an edit would do, told before it counts."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from approvals.console.edit_reading import fitting, read_edit, typed_for
from approvals.console.editing import EditForm, edit_form, pointer
from approvals.console.verdicts import Sent
from approvals.models import ApprovalRequest
from approvals.services.edits import Edit, preview_edit
from approvals.vocabulary import OPEN
from autonomy.models import ActionType
from autonomy.vocabulary import Level
from hitlconsole.accounts.models import Team
from hitlconsole.lib.problems import FieldError, Problem
from hitlconsole.ui.fields import FieldChange, field_changes

_MISSING_MEMBER = re.compile(r"'([^']+)' is a required property")
LOOK_AT_FIELDS = "Look at the marked fields."
LOOK_FIRST = "This edit does more than approve. Look at what it does, then commit it."


@dataclass(frozen=True, slots=True)
class EditPreview:
    """`digest` is that of exactly this edit with exactly this effect."""

    changes: Sequence[FieldChange]
    effects: Sequence[str]
    closes: bool
    level_before: Level
    level: Level
    trace: Sequence[dict[str, Any]]
    digest: str


@dataclass(frozen=True, slots=True)
class EditStep:
    """What became of a sent edit: the edited action to commit, or what to show instead."""

    action: dict[str, Any] | None = None
    preview: EditPreview | None = None
    typed: dict[str, str] | None = None
    errors: dict[str, str] = field(default_factory=dict)
    argument_errors: dict[str, str] = field(default_factory=dict)


def action_types() -> list[str]:
    """What an action may be changed to."""
    return list(ActionType.objects.order_by("name").values_list("name", flat=True))


def form_of(
    request: ApprovalRequest, sent: Sent | None, errors: dict[str, str], schema: dict | None
) -> EditForm:
    """The fields of the chosen action type, with what was typed."""
    arguments = json.loads(bytes(request.action))["arguments"]
    return edit_form(fitting(arguments, schema), schema, sent.typed if sent else None, errors)


def schema_of(action_type: str) -> dict[str, Any] | None:
    found = ActionType.objects.filter(name=action_type).values_list("arguments_schema", flat=True)
    schema: dict[str, Any] | None = found.first()
    return schema


def take_edit(request: ApprovalRequest, sent: Sent) -> EditStep:
    """Raises NotReadable where a field holds no value of its type.

    An edit that does more than approve is committed only by who has seen what it does.
    """
    action = json.loads(bytes(request.action))
    made_for = sent.fields_of or action["type"]
    chosen = sent.action_type or action["type"]
    schema = schema_of(made_for)
    arguments = read_edit(fitting(action["arguments"], schema), schema, sent.typed)
    if chosen != made_for:
        return _other_fields(action["arguments"], arguments, chosen)
    edited = {"type": chosen, "arguments": arguments}
    if request.status not in OPEN or sent.revision != request.revision:
        # The service refuses it, and keeps what comes too late on record.
        return EditStep(action=edited)
    return _judged(request, sent, action, edited)


def _other_fields(before: dict[str, Any], edited: dict[str, Any], chosen: str) -> EditStep:
    """Another type was chosen than the fields were made for: its own fields come first."""
    schema = schema_of(chosen)
    typed = typed_for(fitting(edited, schema), fitting(before, schema), schema)
    return EditStep(typed=typed)


def _judged(
    request: ApprovalRequest, sent: Sent, before: dict[str, Any], edited: dict[str, Any]
) -> EditStep:
    try:
        plan = preview_edit(request, edited)
    except Problem as problem:
        if problem.code != "invalid_request":
            raise
        wrong = by_place([error for error in problem.errors if of_edit(error)])
        return EditStep(errors={"edit": problem.detail or LOOK_AT_FIELDS}, argument_errors=wrong)
    preview = _preview(request, plan, before, edited)
    if sent.preview:
        return EditStep(preview=preview)
    if not plan.closes and sent.previewed != preview.digest:
        return EditStep(preview=preview, errors={"edit": LOOK_FIRST})
    return EditStep(action=edited)


def of_edit(error: FieldError) -> bool:
    return error.loc[:1] == ("edited_action",)


def _preview(
    request: ApprovalRequest, plan: Edit, before: dict[str, Any], edited: dict[str, Any]
) -> EditPreview:
    changes = (
        field_changes(before, edited)
        if before["type"] != edited["type"]
        else field_changes(before["arguments"], edited["arguments"])
    )
    return EditPreview(
        changes=[change for change in changes if change.change != "same"],
        effects=_effects(request, plan),
        closes=plan.closes,
        level_before=plan.level_before,
        level=plan.level,
        trace=plan.evaluated.trace,
        digest=_digest(request, plan),
    )


def _effects(request: ApprovalRequest, plan: Edit) -> list[str]:
    """What it does, one sentence each, the most important one first."""
    if plan.closes:
        return [f"It stays {plan.level.label.lower()}, and counts as your approval."]
    effects = ["It becomes the new proposal: somebody else approves it, not you."]
    if plan.level > plan.level_before:
        before, after = plan.level_before.label.lower(), plan.level.label.lower()
        effects.insert(0, f"The level goes from {before} to {after}.")
    if plan.terms.team_id != request.team_id:
        team = Team.objects.get(pk=plan.terms.team_id)
        effects.append(f"It goes from {request.team.name} to {team.name}, whose reviewers decide.")
    if plan.terms.quorum > 1:
        effects.append(f"{plan.terms.quorum} approvals are needed; earlier ones do not count.")
    return effects


def _digest(request: ApprovalRequest, plan: Edit) -> str:
    effect = [
        request.revision,
        plan.level.name,
        plan.closes,
        plan.terms.quorum,
        str(plan.terms.team_id),
    ]
    return hashlib.sha256(plan.action + json.dumps(effect).encode()).hexdigest()


def by_place(errors: Sequence[FieldError]) -> dict[str, str]:
    """By the place of the argument, as form fields are named; "" is the whole.

    What a member misses is said at the member's own field.
    """
    found: dict[str, str] = {}
    for error in errors:
        steps = [str(step) for step in error.loc[2:]]
        missing = _MISSING_MEMBER.match(error.msg)
        if missing:
            steps.append(missing[1])
        found.setdefault(pointer(tuple(steps)), error.msg)
    return found

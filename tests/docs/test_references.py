"""The tables of the reference are those of the code."""

import json
import re
from pathlib import Path

from django.contrib.auth.password_validation import (
    MinimumLengthValidator,
    get_default_password_validators,
)

from approvals.api import bodies
from approvals.api.app import PREFIX, api
from approvals.api.bodies import SubmissionIn
from approvals.api.shapes import RequestOut
from approvals.schemas import argument_errors
from approvals.states import FIRST, TRANSITIONS
from approvals.vocabulary import CLAIM_SECONDS, EXTEND_SECONDS, OPEN, Execution, Resolution, Status
from audit.entry import build_entry
from audit.events import SYSTEM, Event, EventType
from autonomy.policy.cases import CASE_READERS
from autonomy.policy.document import DEFAULT_POLICY
from autonomy.vocabulary import Level, Source
from hitlconsole.accounts.services import LINK_LIFETIME
from hitlconsole.demo.world import ACTION_TYPES
from hitlconsole.lib.ids import uuid7
from hitlconsole.lib.jsonvalues import MAX_DEPTH
from hitlconsole.lib.problems import CATALOGUE
from hitlconsole.lib.strictjson import MAX_BYTES
from hitlconsole.local.cli import HELP
from hitlconsole.ui.keys import KEY_GROUPS
from tests.docs.markdown import ROOT, table

REFERENCE = ROOT / "docs" / "reference"
API, LEVELS, STATES = (REFERENCE / f"{name}.md" for name in ("api", "levels", "states"))
EVENTS, SETTINGS, COMMANDS = (
    REFERENCE / f"{name}.md" for name in ("audit-events", "settings", "commands")
)


def _first(path: Path, heading: str) -> list[str]:
    return [row[0] for row in table(path, heading)]


def test_problems_are_those_of_the_catalogue() -> None:
    listed = [(code, int(status)) for code, status, _ in table(API, "Problems")]
    assert listed == [(code, status) for code, (status, _) in CATALOGUE.items()]


def test_calls_are_those_of_the_api() -> None:
    declared = {
        f"{method.upper()} /{path.removeprefix(f'/{PREFIX}')}"
        for path, operations in api.get_openapi_schema(path_prefix=f"/{PREFIX}")["paths"].items()
        for method in operations
    }
    assert set(_first(API, "Calls")) == {one.replace("{request_id}", "{id}") for one in declared}


def test_fields_of_a_submission_and_of_a_request() -> None:
    assert sorted(_first(API, "A submission")) == sorted(SubmissionIn.model_fields)
    required = [name for name, word, _ in table(API, "A submission") if word == "required"]
    assert required == [
        name for name, field in SubmissionIn.model_fields.items() if field.is_required()
    ]
    assert _first(API, "A request") == list(RequestOut.model_fields)


def test_transitions_are_those_of_the_table() -> None:
    listed = {(before, event): after for before, event, after in table(STATES, "Transitions")}
    first = {("(new)", event.value): status.value for event, status in FIRST.items()}
    assert listed == first | {
        (status.value, event.value): after.value for (status, event), after in TRANSITIONS.items()
    }


def test_statuses_resolutions_and_executions() -> None:
    listed = [(status, word) for status, _, word in table(STATES, "Statuses")]
    assert listed == [(s.value, "yes" if s in OPEN else "no") for s in Status]
    assert _first(STATES, "Resolutions") == [r.value for r in Resolution]
    assert sorted(_first(STATES, "Execution")) == sorted(Execution)


def test_event_types_are_the_closed_list() -> None:
    assert _first(EVENTS, "Event types") == [kind.value for kind in EventType]


def test_members_of_the_entry() -> None:
    event = Event(EventType.SIGNED_IN, "person:1", SYSTEM)
    entry = json.loads(
        build_entry(event, event_id=uuid7(), timestamp="", stream_seq=1, disclosures=[])
    )
    assert sorted(_first(EVENTS, "The entry, version 1")) == sorted(entry)


def test_levels_and_sources() -> None:
    listed = [(int(value), name) for value, name, _ in table(LEVELS, "The five levels")]
    assert listed == [(level.value, level.name) for level in Level]
    assert _first(LEVELS, "Contributions") == [source.value for source in Source]


def test_policy_fields_and_their_defaults() -> None:
    listed = {name: default for name, default, _ in table(LEVELS, "Policy document")}
    stored = DEFAULT_POLICY.to_json()
    shown = {k: v if isinstance(v, str) else json.dumps(v) for k, v in stored.items()}
    assert listed == shown


def test_fields_of_a_case() -> None:
    assert sorted(_first(LEVELS, "Cases")) == sorted(CASE_READERS)


# How the environment is read, and what is read of it for a purpose of our own.
_READS = (
    r'\benv(?:\.\w+)?\("([A-Z][A-Z_]+)"',
    r'\b_(?:database|parts)\("([A-Z_]+)"',
    r'\benviron(?:\.get\(|\[)"([A-Z][A-Z_]+)"',
    r'uses_outside\(environ, "([A-Z_]+)"\)',
    r'"([A-Z_]+)" (?:not )?in (?:environ|variables)',
    r'_VARIABLE = "([A-Z_]+)"',
)
INTERNAL = {
    "HITL_OWNER_PASSWORD",  # from ./run to the step that makes the roles
    "HITL_APP_PASSWORD",
    "DJANGO_SETTINGS_MODULE",
    "PATH",
}


def _variables_of_the_code() -> set[str]:
    sources = [ROOT / "hitlconsole" / "settings.py"]
    sources += (ROOT / "hitlconsole" / "local").glob("*.py")
    for app in ("approvals", "autonomy", "audit", "hitlconsole"):
        sources += (ROOT / app).rglob("management/commands/*.py")
    text = "\n".join(source.read_text() for source in sources)
    found = {name for pattern in _READS for name in re.findall(pattern, text)}
    return {name.removesuffix("_FILE") for name in found} - INTERNAL


def test_every_variable_is_documented_and_no_other() -> None:
    headings = ("Application", "./run and ./test", "Commands")
    listed = [name for heading in headings for name in _first(SETTINGS, heading)]
    # The shell that finds a Python reads this one.
    assert sorted(listed) == sorted(_variables_of_the_code() | {"PYTHON"})


def test_commands_of_run_are_those_of_its_help() -> None:
    helped = re.findall(r"^(\./run\S*(?: \S+)*?)  +(\S.*)$", HELP, re.MULTILINE)
    listed = [tuple(row) for row in table(COMMANDS, "./run")]
    assert [name for name, _ in listed] == [name for name, _ in helped]


def test_own_commands_of_manage() -> None:
    own = {
        file.stem
        for app in ("approvals", "autonomy", "audit", "hitlconsole")
        for file in (ROOT / app).rglob("management/commands/*.py")
        if file.stem != "__init__"
    }
    listed = [name.split()[0] for name in _first(COMMANDS, "manage.py")]
    assert sorted(listed) == sorted(own)


def _shortest_password() -> int:
    (found,) = (
        validator.min_length
        for validator in get_default_password_validators()
        if isinstance(validator, MinimumLengthValidator)
    )
    return int(found)


def test_fixed_limits_are_those_of_the_code() -> None:
    limits: list[list[str]] = table(SETTINGS, "Fixed limits")
    assert {row[0]: row[1] for row in limits} == {
        "body of a call": f"{MAX_BYTES // 1024} KiB, {MAX_DEPTH} levels deep",
        "wait for a change": f"{bodies.MAX_WAIT_SECONDS} s",
        "resume_state": f"{bodies.MAX_RESUME_STATE_BYTES // 1024} KiB",
        "batch": f"{bodies.MAX_BATCH} questions",
        "page of a list": f"{bodies.PAGE}, at most {bodies.MAX_PAGE}",
        "sign-in link": f"once, within {LINK_LIFETIME.days} day",
        "password": f"{_shortest_password()} characters or more",
        "claim by a reviewer": f"{CLAIM_SECONDS // 60} minutes, renewed by claiming again",
        "more time": f"{EXTEND_SECONDS // 60} minutes each, at most to double the time limit",
    }


def test_what_the_readme_asks_fits_the_demonstration() -> None:
    """Its commands are tested without the demonstration, whose action types have schemas."""
    schemas = {spec.name: dict(spec.schema) for spec in ACTION_TYPES}
    found = re.findall(
        r'"type": "([a-z_.]+)",\s+"arguments": (\{[^{}]*\})', (ROOT / "README.md").read_text()
    )
    errors = {
        name: argument_errors(json.loads(arguments), schemas[name]) for name, arguments in found
    }
    assert errors == {"ticket.reply": [], "report.publish": []}


def test_keys_are_those_of_the_help() -> None:
    for group in KEY_GROUPS:
        listed = [tuple(row) for row in table(REFERENCE / "keyboard.md", group.title)]
        assert listed == [(" or ".join(key.keys), key.what) for key in group.keys]

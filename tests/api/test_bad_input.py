"""What is wrong is refused with its documented problem, at both doors alike; nothing is stored."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.api.client import Client
from tests.api.conftest import SUBMISSION, World
from tests.factories import make_action_type


@pytest.fixture
def committed_db(committed_db_of_module: str) -> str:
    """Many small tests, each with an agent of its own."""
    return committed_db_of_module


Watch = Callable[[], AbstractContextManager[None]]


def raw(**members: Any) -> bytes:
    return json.dumps(SUBMISSION | members).encode()


def with_argument(text: str) -> bytes:
    """A submission in which one argument's value is written exactly so."""
    marker = '"@"'
    action = {"type": "refund.create", "arguments": {"x": "@"}}
    return json.dumps(SUBMISSION | {"action": action}).replace(marker, text).encode()


DEEP = "[" * 10_000 + "]" * 10_000
BAD_JSON: dict[str, tuple[bytes, int, str, list[dict[str, Any]] | None]] = {
    "empty": (b"", 400, "malformed_json", None),
    "cut off": (raw()[:-1], 400, "malformed_json", None),
    "no JSON": (b"action=refund", 400, "malformed_json", None),
    "two values": (raw() + raw(), 400, "malformed_json", None),
    "not UTF-8": (with_argument('"\xe9"').decode().encode("latin-1"), 400, "malformed_json", None),
    "byte order mark": (b"\xef\xbb\xbf" + raw(), 400, "malformed_json", None),
    "UTF-16": (raw().decode().encode("utf-16"), 400, "malformed_json", None),
    "a list": (b"[]", 422, "invalid_request", [{"loc": [], "msg": "must be an object"}]),
    "a text": (b'"refund"', 422, "invalid_request", [{"loc": [], "msg": "must be an object"}]),
    "null": (b"null", 422, "invalid_request", [{"loc": [], "msg": "must be an object"}]),
    "key twice": (
        b'{"description":"a",' + raw()[1:],
        422,
        "duplicate_key",
        [{"loc": ["description"], "msg": 'the key "description" appears twice'}],
    ),
    "key twice, deeper": (
        with_argument('{"to":"a","to":"b"}'),
        422,
        "duplicate_key",
        [{"loc": ["action", "arguments", "x", "to"], "msg": 'the key "to" appears twice'}],
    ),
    "key twice, once escaped": (
        with_argument('{"to":"a","t\\u006f":"b"}'),
        422,
        "duplicate_key",
        [{"loc": ["action", "arguments", "x", "to"], "msg": 'the key "to" appears twice'}],
    ),
    "depth 10,000": (
        with_argument(DEEP),
        422,
        "too_deep",
        [{"loc": [], "msg": "nested deeper than 32 levels"}],
    ),
    "depth 33": (
        with_argument("[" * 30 + "]" * 30),
        422,
        "too_deep",
        [{"loc": [], "msg": "nested deeper than 32 levels"}],
    ),
    "NaN": (with_argument("NaN"), 422, "number_out_of_range", None),
    "Infinity": (with_argument("-Infinity"), 422, "number_out_of_range", None),
    "beyond the doubles": (with_argument("1e999"), 422, "number_out_of_range", None),
    "5,000 digits": (with_argument("9" * 5_000), 422, "number_out_of_range", None),
    "2^53": (with_argument("9007199254740992"), 422, "number_out_of_range", None),
    "half a surrogate pair": (with_argument('"\\ud800"'), 422, "invalid_text", None),
    "half a pair in a key": (with_argument('{"\\udfff":1}'), 422, "invalid_text", None),
    "NUL": (with_argument('"a\\u0000b"'), 422, "invalid_text", None),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json(door: Client, case: str, nothing_stored: Watch) -> None:
    body, status, code, errors = BAD_JSON[case]
    with nothing_stored():
        answer = door.post_raw("/requests", body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    if errors is not None:
        assert problem["errors"] == errors
    elif code in ("number_out_of_range", "invalid_text"):
        assert problem["errors"][0]["loc"][:3] == ["action", "arguments", "x"]


BAD_FIELDS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "unknown field": (
        {"descripton": "x"},
        [{"loc": ["descripton"], "msg": "is not a field here; did you mean description?"}],
    ),
    "unknown field, deeper": (
        {"risk": {"amount": "1.00"}},
        [{"loc": ["risk", "amount"], "msg": "is not a field here"}],
    ),
    "an unknown field of great length": (
        {"z" * 200_000: 1},
        [{"loc": ["z" * 64 + "…"], "msg": "is not a field here"}],
    ),
    "text for an object": ({"action": "x"}, [{"loc": ["action"], "msg": "must be an object"}]),
    "no arguments": (
        {"action": {"type": "refund.create"}},
        [{"loc": ["action", "arguments"], "msg": "is required"}],
    ),
    "arguments in a list": (
        {"action": {"type": "refund.create", "arguments": []}},
        [{"loc": ["action", "arguments"], "msg": "must be an object"}],
    ),
    "upper case type": (
        {"action": {"type": "Refund", "arguments": {}}},
        [
            {
                "loc": ["action", "type"],
                "msg": "must be a name in lower case such as refund.create",
            }
        ],
    ),
    "newline after the type": (
        {"action": {"type": "refund\n", "arguments": {}}},
        [
            {
                "loc": ["action", "type"],
                "msg": "must be a name in lower case such as refund.create",
            }
        ],
    ),
    "1 for true": (
        {"risk": {"reversible": 1}},
        [{"loc": ["risk", "reversible"], "msg": "must be true or false"}],
    ),
    "text for true": (
        {"risk": {"reversible": "true"}},
        [{"loc": ["risk", "reversible"], "msg": "must be true or false"}],
    ),
    "unknown domain": (
        {"risk": {"domains": ["financial", "legal"]}},
        [
            {
                "loc": ["risk", "domains", 1],
                "msg": "must be one of 'financial', 'pii' or 'regulated'",
            }
        ],
    ),
    "number for money": (
        {"risk": {"cost_usd": 420}},
        [{"loc": ["risk", "cost_usd"], "msg": "must be a string"}],
    ),
    "exponent in money": (
        {"risk": {"cost_usd": "1e3"}},
        [
            {
                "loc": ["risk", "cost_usd"],
                "msg": "must be an amount as a decimal string with at most two decimals,"
                ' like "420.00"',
            }
        ],
    ),
    "text for a score": (
        {"confidence": {"score": "0.9"}},
        [{"loc": ["confidence", "score"], "msg": "must be a number"}],
    ),
    "true for a score": (
        {"confidence": {"score": True}},
        [{"loc": ["confidence", "score"], "msg": "must be a number"}],
    ),
    "score above 1": (
        {"confidence": {"score": 1.01}},
        [{"loc": ["confidence", "score"], "msg": "must be at most 1"}],
    ),
    "score below 0": (
        {"confidence": {"score": -0.01}},
        [{"loc": ["confidence", "score"], "msg": "must be at least 0"}],
    ),
    "blank description": (
        {"description": " \n"},
        [{"loc": ["description"], "msg": "must not be blank"}],
    ),
    "long description": (
        {"description": "x" * 2001},
        [{"loc": ["description"], "msg": "must have at most 2000 characters"}],
    ),
    "level by number": (
        {"requested_level": 3},
        [
            {
                "loc": ["requested_level"],
                "msg": "must be one of 'FULL_AUTO', 'NOTIFY_ONLY', 'SOFT_APPROVAL',"
                " 'HARD_APPROVAL' or 'HUMAN_TAKEOVER'",
            }
        ],
    ),
    "a grant": (
        {"grant": "01a2103d-2320-7142-8eb9-3834c1803c9b"},
        [
            {
                "loc": ["grant"],
                "msg": "must be null: delegation is not available in this version",
            }
        ],
    ),
    "no http": (
        {"callback_url": "file:///etc/passwd"},
        [{"loc": ["callback_url"], "msg": "must be an http or https URL"}],
    ),
    "password in a URL": (
        {"callback_url": "https://me:secret@agent.example/"},
        [{"loc": ["callback_url"], "msg": "must be an http or https URL"}],
    ),
    "large state": (
        {"resume_state": "x" * 65_535},
        [{"loc": ["resume_state"], "msg": "must be at most 65536 bytes of JSON, it has 65537"}],
    ),
    "no UUID": ({"previous": "17"}, [{"loc": ["previous"], "msg": "must be a UUID"}]),
    "a time without offset": (
        {"context": {"history": [{"at": "2026-01-31T12:00:00", "action": "x"}]}},
        [
            {
                "loc": ["context", "history", 0, "at"],
                "msg": "must be an RFC 3339 time with its offset, like 2026-01-31T12:00:00Z",
            }
        ],
    ),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_wrong_fields(door: Client, case: str, nothing_stored: Watch) -> None:
    members, errors = BAD_FIELDS[case]
    with nothing_stored():
        answer = door.post("/requests", SUBMISSION | members)
    assert (answer.status_code, answer.json()) == (
        422,
        {
            "type": "/api/v1/problems#invalid_request",
            "title": "The request has invalid fields",
            "status": 422,
            "detail": "The request has invalid fields",
            "code": "invalid_request",
            "errors": errors,
        },
    )


def test_every_wrong_field_is_named(door: Client, nothing_stored: Watch) -> None:
    with nothing_stored():
        answer = door.post("/requests", {"action": {"type": 1}, "risk": None})
    assert answer.json()["errors"] == [
        {"loc": ["action", "type"], "msg": "must be a string"},
        {"loc": ["action", "arguments"], "msg": "is required"},
        {"loc": ["description"], "msg": "is required"},
        {"loc": ["risk"], "msg": "must be an object"},
    ]


def test_what_is_at_the_limits_passes(door: Client) -> None:
    history = [{"action": "x", "at": "2026-01-31T12:00:00.123456+05:30"}] * 500
    answer = door.post(
        "/requests",
        SUBMISSION
        | {
            "description": "x" * 2000,
            "resume_state": "x" * 65_534,
            "risk": {"cost_usd": "999999999999999.99"},
            "context": {"history": history},
            "action": {
                "type": "a" * 100,
                "arguments": {"n": 2**53 - 1, "small": 5e-324, "text": "\u200b\U0001f600"},
            },
        },
    )
    assert answer.status_code == 202
    assert answer.json()["action"]["arguments"] == {
        "n": 2**53 - 1,
        "small": 5e-324,
        "text": "\u200b\U0001f600",
    }


def test_arguments_that_do_not_fit_the_registered_schema(
    door: Client, world: World, nothing_stored: Watch
) -> None:
    schema = {"type": "object", "properties": {"order": {"type": "integer"}}}
    name = f"refund.{world.agent.name}"
    make_action_type(name, arguments_schema=schema)
    action = SUBMISSION["action"] | {"type": name}
    with nothing_stored():
        answer = door.post("/requests", SUBMISSION | {"action": action})
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"loc": ["action", "arguments", "order"], "msg": "'5512' is not of type 'integer'"}],
    )


def test_a_registered_schema_that_cannot_be_used_lets_nothing_pass(
    door: Client, world: World, nothing_stored: Watch
) -> None:
    name = f"broken.{world.agent.name}"
    make_action_type(name, arguments_schema={"properties": {"order": {"$ref": "#/$defs/none"}}})
    action = SUBMISSION["action"] | {"type": name}
    with nothing_stored():
        answer = door.post("/requests", SUBMISSION | {"action": action})
    words = "is registered with a schema that cannot be used: an admin must correct it"
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"loc": ["action", "type"], "msg": words}],
    )


def test_an_answer_repeats_little_of_the_arguments(door: Client, world: World) -> None:
    name = f"strict.{world.agent.name}"
    schema = {"allOf": [{"minProperties": 5 + n} for n in range(20)]}
    make_action_type(name, arguments_schema=schema)
    action = {"type": name, "arguments": {"a": "x" * 200_000}}
    answer = door.post("/requests", SUBMISSION | {"action": action})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    assert len(answer.content) < 8_000


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""],
)
def test_other_media_types(door: Client, content_type: str, nothing_stored: Watch) -> None:
    with nothing_stored():
        answer = door.post_raw("/requests", raw(), **{"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_json_with_its_only_charset(door: Client) -> None:
    answer = door.post_raw(
        "/requests", raw(), **{"Content-Type": 'application/json; charset="UTF-8"'}
    )
    assert answer.status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "café", "tab\there"])
def test_bad_idempotency_keys(door: Client, key: str, nothing_stored: Watch) -> None:
    with nothing_stored():
        headers = [(b"idempotency-key", key.encode("latin-1"))]
        answer = door.call("POST", "/requests", json=SUBMISSION, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header")


def test_ten_megabytes(door: Client, nothing_stored: Watch) -> None:
    with nothing_stored():
        answer = door.post_raw("/requests", with_argument(json.dumps("x" * 10_000_000)))
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        "A body has at most 262144 bytes.",
    )


def test_the_largest_body(door: Client) -> None:
    room = 262_144 - len(with_argument('""'))
    assert door.post_raw("/requests", with_argument(json.dumps("x" * room))).status_code == 202
    beyond = door.post_raw("/requests", with_argument(json.dumps("x" * (room + 1))))
    assert beyond.status_code == 413


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"wait": "61"}, [{"loc": ["wait"], "msg": "must be at most 60"}]),
        ({"wait": "-1"}, [{"loc": ["wait"], "msg": "must be at least 0"}]),
        ({"wait": ""}, [{"loc": ["wait"], "msg": "must be a whole number"}]),
        ({"wait": "soon"}, [{"loc": ["wait"], "msg": "must be a whole number"}]),
        (
            {"wait": "9" * 5000},
            [{"loc": ["wait"], "msg": "must be a whole number of ordinary size"}],
        ),
        ({"revision": "1.5"}, [{"loc": ["revision"], "msg": "must be a whole number"}]),
        ({"revision": str(2**31)}, [{"loc": ["revision"], "msg": "must be at most 2147483647"}]),
    ],
)
def test_bad_queries(door: Client, query: dict[str, str], errors: list[Any]) -> None:
    request_id = door.post("/requests", SUBMISSION).json()["id"]
    answer = door.get(f"/requests/{request_id}", params=query)
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"limit": "201"}, [{"loc": ["limit"], "msg": "must be at most 200"}]),
        ({"limit": "0"}, [{"loc": ["limit"], "msg": "must be at least 1"}]),
        (
            {"cursor": "!"},
            [{"loc": ["cursor"], "msg": "must be the next_cursor of the page before"}],
        ),
        (
            {"cursor": "MDAwMS0wMS0wMVQwMDowMDowMCswMDowMHwx"},
            [{"loc": ["cursor"], "msg": "must be the next_cursor of the page before"}],
        ),
        (
            {"status": "done"},
            [
                {
                    "loc": ["status"],
                    "msg": "must be one of 'pending', 'needs_info', 'escalated', 'approved',"
                    " 'rejected', 'cancelled', 'expired' or 'taken_over'",
                }
            ],
        ),
    ],
)
def test_bad_lists(api: Client, query: dict[str, str], errors: list[Any]) -> None:
    answer = api.get("/requests", params=query)
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)


NO_PARAMETER = "is not a parameter here"
ABSENT = "/requests/01a2103d-2320-7142-8eb9-3834c1803c9b"


@pytest.mark.parametrize("call", ["get", "submit", "list", "me", "batch", "cancel"])
def test_unknown_parameters_are_named(door: Client, call: str, nothing_stored: Watch) -> None:
    request_id = door.post("/requests", SUBMISSION).json()["id"]
    calls: dict[str, tuple[str, str, Any]] = {
        "get": ("GET", f"/requests/{request_id}", None),
        "submit": ("POST", "/requests", SUBMISSION),
        "list": ("GET", "/requests", None),
        "me": ("GET", "/agents/me", None),
        "batch": ("POST", "/requests/batch", {"requests": [SUBMISSION]}),
        "cancel": ("POST", f"/requests/{request_id}/cancel", {}),
    }
    method, path, body = calls[call]
    with nothing_stored():
        answer = door.call(method, f"{path}?dry_run=1&{'z' * 70}=&dry_run=2", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"]) == (
        422,
        "invalid_request",
        [
            {"loc": ["dry_run"], "msg": NO_PARAMETER},
            {"loc": ["z" * 64 + "…"], "msg": NO_PARAMETER},
        ],
    )


def test_a_parameter_that_was_meant(door: Client) -> None:
    request_id = door.post("/requests", SUBMISSION).json()["id"]
    looked = door.get(f"/requests/{request_id}", params={"Wait": 20, "revision": 1})
    listed = door.get("/requests", params={"state": "pending", "limit": 2})
    assert [(answer.status_code, answer.json()["errors"]) for answer in (looked, listed)] == [
        (422, [{"loc": ["Wait"], "msg": f"{NO_PARAMETER}; did you mean wait?"}]),
        (422, [{"loc": ["state"], "msg": f"{NO_PARAMETER}; did you mean status?"}]),
    ]


def test_strangers_learn_nothing_of_parameters(door: Client) -> None:
    for path in (ABSENT, "/requests"):
        answer = door.with_key(None).get(f"{path}?dry_run=1")
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_key")


@pytest.mark.parametrize("path", ["/requests", ABSENT])
def test_a_query_without_end(door: Client, path: str) -> None:
    answer = door.get(f"{path}?{'&'.join(['revision=1'] * 501)}")
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"loc": [], "msg": "must have at most 500 parameters"}],
    )


BAD_CALLS = {
    "/cancel": ({"reason": 1}, [{"loc": ["reason"], "msg": "must be a string"}]),
    "/messages": ({"text": ""}, [{"loc": ["text"], "msg": "must have at least 1 characters"}]),
    "/execution": (
        {"claim_id": "two words"},
        [
            {
                "loc": ["claim_id"],
                "msg": "must be 1 to 100 printable ASCII characters without spaces",
            }
        ],
    ),
    "/outcome": (
        {"result": "done"},
        [{"loc": ["result"], "msg": "must be one of 'success' or 'failure'"}],
    ),
}


@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_bodies_of_the_other_calls(api: Client, call: str, nothing_stored: Watch) -> None:
    body, errors = BAD_CALLS[call]
    path = f"/requests/{api.post('/requests', SUBMISSION).json()['id']}{call}"
    with nothing_stored():
        answer = api.post(path, body)
        deep = api.post_raw(path, DEEP.encode())
        large = api.post_raw(path, b"x" * 300_000)
    assert (answer.status_code, answer.json()["errors"]) == (422, errors)
    assert (deep.status_code, deep.json()["code"]) == (422, "too_deep")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")

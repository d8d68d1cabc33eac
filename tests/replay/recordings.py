"""A small recording of our own: a library's clerk, with everything recordings do in the wild."""

import json
from typing import Any

MAPPING = b"""
takeover = "skip"

[tools.find_member]
consequential = false

[tools.waive_fee]
action_type = "fee.waive"
description = "Waive {amount} USD for {member.name}: {reasons[]}"
reversible = false
domains = ["financial"]
cost_usd = { arguments = "amount" }

[tools.close_account]
description = "Close {member_id}"
cost_usd = { result_of = "find_member", same = "member_id", path = "fees[].amount" }

[tools.call_librarian]
takeover = true
"""


def call(tool: str, arguments: Any, *, call_id: str = "call_1") -> dict[str, Any]:
    stored = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": tool, "arguments": stored}}


def asks(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def answers(content: str, *, call_id: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def line(episode: str, *messages: dict[str, Any]) -> bytes:
    return json.dumps({"episode": episode, "messages": messages}).encode() + b"\n"


def visit(name: str = "visit-1") -> bytes:
    """Five calls, three of them consequential; `call_1` is used for two different ones."""
    member = {"member_id": "m7", "fees": [{"amount": 2.25}, {"amount": 3}]}
    return line(
        name,
        {"role": "user", "content": "Please waive my fees and close my account."},
        asks(call("find_member", {"member_id": "m7"})),
        answers(json.dumps(member)),
        asks(call("waive_fee", {"amount": 5.25, "member": {"name": "Ada"}, "reasons": ["ill"]})),
        answers("Error: only 4.00 may be waived"),
        asks(
            call("waive_fee", {"amount": 4, "member": {"name": "Ada"}, "reasons": ["ill", "new"]}),
            call("close_account", {"member_id": "m7"}, call_id="call_2"),
        ),
        answers("closed", call_id="call_2"),
        answers("waived"),
        asks(call("call_librarian", {"summary": "Ada wants her books back"}, call_id="call_3")),
    )

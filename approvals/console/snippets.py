"""Working code for an agent that connects. Pure."""

import json
from dataclasses import dataclass

CURL = """curl -sS {base}/api/v1/requests \\
  -H "Authorization: Bearer KEY" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: $(uuidgen)" \\
  -d '{body}'
"""
PYTHON = """import json
import urllib.request
import uuid

BASE, KEY = "{base}/api/v1", "KEY"


def call(path, body=None, **headers):
    headers |= {{"Authorization": f"Bearer {{KEY}}", "Content-Type": "application/json"}}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.load(answer)


question = {body}
asked = call("/requests", question, **{{"Idempotency-Key": str(uuid.uuid4())}})
while asked["status"] in ("pending", "needs_info", "escalated"):
    asked = call(f"/requests/{{asked['id']}}?wait=60&revision={{asked['revision']}}")
if asked["proceed"]:
    run = call(f"/requests/{{asked['id']}}/execution", {{"claim_id": str(uuid.uuid4())}})
    # Do run["action"] here, then say how it went.
    call(f"/requests/{{asked['id']}}/outcome", {{"result": "success"}})
else:
    print("not approved:", asked["status"], asked["reason"])
"""


@dataclass(frozen=True, slots=True)
class Snippets:
    curl: str
    python: str


def snippets(base_url: str, action_type: str) -> Snippets:
    question = {
        "action": {"type": action_type, "arguments": {"id": "5512"}},
        "description": "What I want to do, in a sentence",
        "risk": {"reversible": True, "cost_usd": "0.00"},
        "confidence": {"score": 0.9, "recommendation": "PROCEED"},
    }
    as_json = json.dumps(question, indent=2)
    as_python = as_json.replace(": true", ": True")
    return Snippets(
        curl=CURL.format(base=base_url, body=as_json.replace("'", "'\\''")),
        python=PYTHON.format(base=base_url, body=as_python),
    )

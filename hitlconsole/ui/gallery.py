"""Every component in every variant on one page, for whoever works on the look."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hitlconsole.ui.words import LEVELS, STATES

NOW = datetime(2026, 3, 2, 14, 2, 11, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    level: int
    agent: str = "support-bot"
    cost: str = ""
    minutes_old: int = 6
    seconds_left: int | None = 192
    deadline_words: str = "then escalated"
    holder: str = ""
    outcome: str = ""
    takeover: bool = False
    url: str = "#rows"

    @property
    def created_at(self) -> datetime:
        return NOW - timedelta(minutes=self.minutes_old)

    @property
    def deadline(self) -> datetime | None:
        return None if self.seconds_left is None else NOW + timedelta(seconds=self.seconds_left)


@dataclass(frozen=True)
class Due:
    title: str
    deadline: datetime
    url: str = "#rows"


@dataclass(frozen=True)
class Tab:
    label: str
    url: str = "#tabs"
    active: bool = False
    count: int | None = None


@dataclass(frozen=True)
class Contribution:
    source: str
    level: str
    reason: str
    binding: bool = field(default=False)


class SampleForm(forms.Form):
    name = forms.CharField(help_text="How people will know it.")
    team = forms.ChoiceField(choices=[("p", "Payments"), ("s", "Support")])
    domains = forms.MultipleChoiceField(
        choices=[("financial", "Financial"), ("pii", "Personal data"), ("regulated", "Regulated")],
        widget=forms.CheckboxSelectMultiple,
    )
    note = forms.CharField(widget=forms.Textarea, required=False)
    agreed = forms.BooleanField(label="I have read the evidence")


ROWS = (
    Row(
        "t1",
        "Takeover: mailing to 4,210 customers",
        4,
        "crm-bot",
        takeover=True,
        deadline_words="to acknowledge",
        seconds_left=610,
    ),
    Row("r1", "Refund order 5512: parcel lost", 3, cost="420 USD", holder="you"),
    Row(
        "r2",
        "Send e-mail to billing@example.com about the open invoice",
        2,
        "crm-bot",
        minutes_old=2,
        seconds_left=243,
        deadline_words="then approved",
        holder="Ana Lima",
    ),
    Row("r3", "Delete record 77 \u202egpj.exe", 3, "data-bot", seconds_left=41),
    Row(
        "r4",
        "Change the seat of passenger 2",
        2,
        "airline-bot",
        minutes_old=150,
        outcome="Approved by Ana 12 s ago",
    ),
    Row(
        "r5",
        "Update the shipping address of a customer whose street name is unusually long "
        "and who lives in Taumatawhakatangihangakoauauotamateaturipukakapikimaungahoronukupokai",
        3,
        "crm-bot",
        cost="4,200 USD",
        seconds_left=90_000,
    ),
)
TRACE = (
    Contribution(
        "matrix", "HARD_APPROVAL", "Financial domain; cost 420 USD is above 100 USD", True
    ),
    Contribution("confidence", "FULL_AUTO", "Confidence 0.82 is at least 0.80"),
    Contribution("autonomy", "SOFT_APPROVAL", "support-bot is at soft approval for refund.create"),
    Contribution("agent", "HARD_APPROVAL", "The agent asked for it", True),
)
BEFORE = {"order": "5512", "amount": "420.00", "currency": "USD", "notify": True, "items": [1, 2]}
AFTER = {
    "order": "5512",
    "amount": "400.00",
    "currency": "USD",
    "notify": True,
    "items": [1],
    "note": "partial",
}
ARGUMENTS = BEFORE | {
    "customer": {"name": "Ада Lovelace", "address": {"city": "Zürich", "lines": ["Seeweg 3", ""]}},
    "odd.key": None,
    "memo": "First line\nSecond\tline <b>bold</b> https://example.com/ \u200b\u202eevil\u202c",
    "empty": {},
    "none": [],
    "token": "x" * 180,
}
CODE = 'curl -H "Authorization: Bearer $KEY" \\\n  https://console.example/api/v1/agents/me'
REQUEST_STATES = list(STATES)[:8]
OTHER_STATES = list(STATES)[8:]


def _invalid_form() -> SampleForm:
    form = SampleForm({"name": "", "team": "p", "note": "kept"})
    form.add_error(None, "The form as a whole: this name is taken.")
    return form


def _context() -> dict[str, Any]:
    return {
        "now": NOW,
        "levels": LEVELS,
        "request_states": REQUEST_STATES,
        "other_states": OTHER_STATES,
        "rows": ROWS,
        "trace": TRACE,
        "sources": {"matrix": "Risk matrix", "autonomy": "Autonomy of the agent"},
        "before": BEFORE,
        "after": AFTER,
        "arguments": ARGUMENTS,
        "code": CODE,
        "form": SampleForm(),
        "invalid": _invalid_form(),
        "due": [Due("Refund order 881, 4,200 USD", NOW + timedelta(seconds=41))],
        "deadlines": [NOW + timedelta(seconds=left) for left in (0, 41, 192, 4000, 200_000)],
        "tabs": [Tab("Overview", active=True), Tab("Thread", count=3), Tab("Audit", count=12)],
        "earlier": NOW - timedelta(minutes=6),
        "tones": ["info", "ok", "warn", "danger", "takeover", "stale", "offline"],
        "claim_text": "Parcel lost \u2066in transit\u2069, please аpprove. See http://evil.example",
    }


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Approved. The agent has been told.", extra_tags="draft-done:r9")
    messages.error(request, "Somebody was faster: Ana rejected this 3 s ago.")
    request.nav_counts = {"queue": 14}  # type: ignore[attr-defined]
    return render(request, "ui/gallery.html", _context())

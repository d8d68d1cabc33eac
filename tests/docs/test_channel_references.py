"""The tables about escalation, channels and health are those of the code."""

import json
import re
from datetime import timedelta

import pytest
from prometheus_client.metrics_core import Metric

from approvals import health, metrics
from approvals.api.bodies import DecisionIn
from approvals.api.shapes import NoticeOut
from approvals.escalation import policy
from approvals.escalation.clock import NOTICE, REMINDERS, Silence, Wait, end_of_wait
from approvals.escalation.policy import DEFAULT_ESCALATION, EscalationPolicy, TargetKind
from approvals.models import Delivery, DeliveryAttempt, Notification, NotificationChannel
from approvals.notifications import outbox, planner
from approvals.notifications.audience import CALLBACKS, FOR_PEOPLE, ON_BOTH
from approvals.services import decision_links, presence
from approvals.vocabulary import Status
from autonomy.policy.reading import ReadError
from autonomy.vocabulary import Level
from hitlconsole.lib.clock import database_now
from hitlconsole.lib.heartbeats import Service
from tests.docs.markdown import ROOT, table

REFERENCE = ROOT / "docs" / "reference"
TIME, ESCALATION, CHANNELS, HEALTH = (
    REFERENCE / f"{name}.md" for name in ("time-limits", "escalation-policy", "channels", "health")
)
EMAIL = ROOT / "docs" / "how-to" / "tell-people-by-e-mail.md"
SHORT = {
    timedelta(seconds=5): "5 s",
    timedelta(seconds=30): "30 s",
    timedelta(minutes=2): "2 min",
    timedelta(minutes=10): "10 min",
    timedelta(minutes=30): "30 min",
    timedelta(hours=1): "1 h",
    timedelta(hours=3): "3 h",
    timedelta(hours=6): "6 h",
    timedelta(hours=12): "12 h",
    timedelta(hours=24): "24 h",
}


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def test_notice_in_numbers() -> None:
    assert [value for _, value in table(TIME, "Notice")] == [
        f"{_seconds(NOTICE)} s, or half the time limit if that is shorter",
        f"{_seconds(presence.GAP)} s",
        "within 60 s before the deadline",
    ]
    assert REMINDERS == (0.5, 0.9)


def test_what_silence_does() -> None:
    """Each line, as the clock decides it."""
    soft = {"level": Level.SOFT_APPROVAL, "status": Status.PENDING, "tier": 0, "last_tier": 1}
    hard = {"level": Level.HARD_APPROVAL, "status": Status.ESCALATED, "tier": 0, "last_tier": 1}
    asked = soft | {"status": Status.NEEDS_INFO}
    waits = [
        (Wait(**soft, silent_consent=False), True),
        (Wait(**soft, claimed=True), True),
        (Wait(**soft, objected=True), True),
        (Wait(**soft), False),
        (Wait(**soft), True),
        (Wait(**hard), True),
        (Wait(**hard | {"tier": 1}), True),
        (Wait(**asked), True),
    ]
    endings = [end_of_wait(wait, notice=notice) for wait, notice in waits]
    listed = [(then, reason) for _, _, then, reason in table(TIME, "What silence does") if reason]
    assert [reason for _, reason in listed] == [ending.reason for ending in endings]
    words = {
        Silence.CONSENT: ("approved", ""),
        Silence.EXPIRE: ("expired", ""),
        Silence.ESCALATE: ("escalated, the same tier again", "escalated, next tier"),
    }
    for (then, _), ending, (wait, _) in zip(listed, endings, waits, strict=True):
        assert then.startswith(words[ending.silence][ending.tier > wait.tier])


def test_the_example_is_an_escalation_policy() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", ESCALATION.read_text(), re.DOTALL)
    document = json.loads(text)
    assert EscalationPolicy.from_json(document).to_json() == document


def test_fields_and_limits_of_an_escalation_policy() -> None:
    document = DEFAULT_ESCALATION.to_json()
    listed = {name: default for name, default, *_ in table(ESCALATION, "Policy")}
    assert listed == {"tiers": "required"} | {
        name: json.dumps(document[name]) for name in document if name != "tiers"
    }
    tier = {name: default for name, default, *_ in table(ESCALATION, "Tier")}
    plain = EscalationPolicy.from_json(
        {"tiers": [{"name": "One", "targets": [{"kind": "reviewers"}]}]}
    ).to_json()["tiers"][0]
    assert tier == {
        name: "required" if name in ("name", "targets") else json.dumps(value)
        for name, value in plain.items()
    }
    assert [kind for kind, *_ in table(ESCALATION, "Target")] == [kind.value for kind in TargetKind]
    limits = {row[0]: row[2] for name in ("Policy", "Tier") for row in table(ESCALATION, name)}
    assert limits == {
        "tiers": f"1 to {policy.MOST_TIERS}",
        "repeat": f"0 to {policy.MOST_REPEATS}",
        "quiet": "",
        "tell_admins_when_exhausted": "",
        "name": f"1 to {policy.LONGEST_NAME} characters",
        "targets": f"1 to {policy.MOST_TARGETS}, each once",
        "seconds": f"30 to {policy.YEAR:,}",
        "primary": f"at most {policy.MOST_CHANNELS}",
        "backup": f"at most {policy.MOST_CHANNELS}",
    }


@pytest.mark.parametrize("seconds", [29, policy.YEAR + 1])
def test_time_limits_of_a_tier_beyond_their_limits(seconds: int) -> None:
    tier = {"name": "One", "targets": [{"kind": "reviewers"}], "seconds": seconds}
    with pytest.raises(ReadError):
        EscalationPolicy.from_json({"tiers": [tier]})


def test_the_default_policy() -> None:
    listed = [tier for tier, *_ in table(ESCALATION, "The default")]
    assert listed == [f"{n} {tier.name}" for n, tier in enumerate(DEFAULT_ESCALATION.tiers)]


def test_kinds_roles_and_states_of_channels_and_messages() -> None:
    kinds = NotificationChannel._meta.get_field("kind").choices or ()
    assert [kind for kind, *_ in table(CHANNELS, "Kinds")] == [value for value, _ in kinds]
    roles = [role for role, _ in table(CHANNELS, "Roles")]
    assert roles == NotificationChannel.Role.values
    assert [one for one, _ in table(CHANNELS, "States of a message")] == Delivery.Status.values
    outcomes = [one for one, _ in table(CHANNELS, "Attempts")]
    assert outcomes == [*DeliveryAttempt.Outcome.values, "(none)"]


def test_news_with_who_hears_of_it() -> None:
    listed = [(kind, people, name) for kind, _, people, name in table(CHANNELS, "Kinds of news")]
    assert listed == [
        (kind.value, _for_people(kind), CALLBACKS.get(kind, "")) for kind in Notification.Kind
    ]


def _for_people(kind: Notification.Kind) -> str:
    if kind not in FOR_PEOPLE:
        return ""
    return "yes, also on backup" if kind in ON_BOTH else "yes"


def test_pauses_and_bursts() -> None:
    text = CHANNELS.read_text().partition("| after attempt | pause |")[2].partition("\n\n")[0]
    pauses = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert pauses == [(str(n), SHORT[pause]) for n, pause in enumerate(outbox.PAUSES, start=1)]
    assert "After twelve attempts" in CHANNELS.read_text()
    assert outbox.MAX_ATTEMPTS == 12
    assert f"a lease of {_seconds(outbox.LEASE)} s" in CHANNELS.read_text()
    (slack_most,) = planner.MOST_ITEMS_OF.values()
    assert [value for _, value in table(CHANNELS, "From news to a message")] == [
        f"{planner.BURST} within {_seconds(planner.BURST_SPAN)} s",
        f"{_seconds(planner.COLLECT)} s",
        f"{planner.MOST_ITEMS} news; Slack {slack_most}",
    ]


def test_findings_with_their_severities() -> None:
    listed = [(code, severity) for code, severity, _ in table(HEALTH, "Findings")]
    checks = [(code, check[0]) for code, check in health._CHECKS.items()]
    silent = [(f"silent_{service.value}", health.ERROR) for service in Service]
    assert listed == [*checks, ("clocks_differ", health.WARNING), *silent]


@pytest.mark.django_db
def test_metrics_with_their_labels() -> None:
    families: list[Metric] = list(metrics._Collector(database_now()).collect())
    listed = {name: labels for name, labels, _ in table(HEALTH, "Metrics")}
    assert listed == {one.name: ", ".join(one._labelnames) for one in families}  # type: ignore[attr-defined]


def test_members_of_a_decision_and_of_a_notice() -> None:
    api = REFERENCE / "api.md"
    assert {name for name, *_ in table(api, "A decision")} == set(DecisionIn.model_fields)
    assert [name for name, _ in table(api, "Notice")] == list(NoticeOut.model_fields)


def test_the_link_in_an_e_mail() -> None:
    assert decision_links.LIFETIME.days == 3
    assert (decision_links.CODE_DIGITS, decision_links.MAX_WRONG_CODES) == (6, 5)
    text = " ".join(EMAIL.read_text().split())
    assert "within three days, and is of no use after five wrong codes" in text
    assert "the six-digit **code**" in text

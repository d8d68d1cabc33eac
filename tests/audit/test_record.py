"""The record: what is written, that it stays, and that its entries can be checked by anybody."""

import base64
import hashlib
import json

import pytest
import rfc8785
from django.db import DatabaseError, connection, connections, transaction

from approvals.services.decide import decide_request
from approvals.vocabulary import Channel, Verdict
from audit.events import SYSTEM, Event, EventType
from audit.models import AuditDisclosure, AuditEvent, AuditPending
from audit.services import NotInTransaction, record
from hitlconsole.lib.clock import database_now, rfc3339
from tests.factories import HARD, make_agent, make_reviewer, make_team, submit

MEMBERS = {
    "v", "event_id", "timestamp", "event_type", "stream", "stream_seq", "actor", "request_id",
    "agent_id", "action_type", "hitl_level", "confidence_score", "reviewer_id",
    "reviewer_decision", "latency_ms", "status_before", "status_after", "channel", "resolution",
    "policy_version", "payload", "commitments",
}  # fmt: skip


def _event(stream: str = "agent:test", **fields: object) -> Event:
    return Event(EventType.AGENT_CHANGED, stream, SYSTEM, **fields)


@pytest.mark.django_db
def test_streams_are_numbered_without_gaps_and_each_event_waits_to_be_sealed() -> None:
    first = AuditEvent.objects.count()
    record([_event("b"), _event("a"), _event("b")], at=database_now())
    record([_event("b")], at=database_now())
    written = list(AuditEvent.objects.filter(stream__in="ab").values_list("stream", "stream_seq"))
    assert sorted(written) == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]
    assert AuditPending.objects.count() - first == 4


def test_it_refuses_to_write_outside_a_transaction(committed_db: str) -> None:
    with pytest.raises(NotInTransaction):
        record([_event()], at=database_now())
    assert AuditEvent.objects.count() == 0


@pytest.mark.django_db
def test_an_entry_is_canonical_json_and_holds_no_personal_value() -> None:
    record([_event(personal={"reason": "Ärger mit Kunde 7"}, payload={"n": 1})], at=database_now())
    event = AuditEvent.objects.get(stream="agent:test")
    entry = bytes(event.entry)
    parsed = json.loads(entry)
    assert rfc8785.dumps(parsed) == entry
    assert set(parsed) == MEMBERS
    assert parsed["payload"] == {"n": 1}
    assert "Kunde" not in entry.decode()
    disclosure = AuditDisclosure.objects.get(event_id=event.event_id, name="reason")
    assert len(bytes(disclosure.salt)) == 16
    opened = rfc8785.dumps([bytes(disclosure.salt).hex(), "reason", "Ärger mit Kunde 7"])
    digest = base64.b64encode(hashlib.sha256(opened).digest()).decode()
    assert parsed["commitments"] == {"reason": digest}


@pytest.mark.parametrize("alias", ["default", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET type = 'approved'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event CASCADE",
    ],
)
def test_the_database_refuses_changes_whoever_asks(
    statement: str, alias: str, committed_db: str
) -> None:
    if alias not in connections.databases:
        pytest.skip("one role owns and serves this database")
    with transaction.atomic():
        record([_event()], at=database_now())
    with connections[alias].cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute(statement)
    assert AuditEvent.objects.get().type == "agent_changed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_event (txid) VALUES ('1')",
        "INSERT INTO audit_event (recorded_at) VALUES (now())",
        "DELETE FROM audit_pending",
        "INSERT INTO audit_pending VALUES (1)",
        "UPDATE audit_disclosure SET value = '1'",
        "DELETE FROM audit_disclosure",
        "UPDATE audit_stream SET seq = seq - 1",
        "DELETE FROM audit_stream",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    ],
)
def test_the_serving_role_has_no_right_to_the_stamps_and_queues(statement: str) -> None:
    if "owner" not in connections.databases:
        pytest.skip("one role owns and serves this database")
    record([_event(personal={"reason": "why"})], at=database_now())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_a_decision_is_told_with_who_what_and_how_fast(advance_clock) -> None:
    team = make_team()
    reviewer = make_reviewer(team)
    agent, key = make_agent(team)
    request = submit(key, facts=HARD)
    advance_clock(seconds=12)
    decide_request(
        request_id=request.id,
        reviewer=reviewer,
        verdict=Verdict.REJECT,
        revision=1,
        channel=Channel.WEB,
        notes="The parcel was found.",
    )
    events = list(AuditEvent.objects.filter(request_id=request.id).order_by("stream_seq"))
    assert [event.type for event in events] == ["requested", "rejected"]
    entry = json.loads(bytes(events[1].entry))
    latency = entry.pop("latency_ms")
    assert 12_000 <= latency < 20_000
    assert entry.pop("timestamp") <= rfc3339(database_now())
    assert entry.pop("commitments").keys() == {"reason"}
    assert entry.pop("payload").keys() == {"revision", "decision_id"}
    assert entry == {
        "v": 1,
        "event_id": str(events[1].event_id),
        "event_type": "rejected",
        "stream": f"request:{request.id}",
        "stream_seq": 2,
        "actor": {"kind": "person", "id": str(reviewer.id)},
        "request_id": str(request.id),
        "agent_id": str(agent.id),
        "action_type": "refund.create",
        "hitl_level": "HARD_APPROVAL",
        "confidence_score": 0.9,
        "reviewer_id": str(reviewer.id),
        "reviewer_decision": "rejected",
        "status_before": "pending",
        "status_after": "rejected",
        "channel": "web",
        "resolution": "human",
        "policy_version": 1,
    }

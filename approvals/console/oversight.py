"""How well people oversee: what became of what closed in a period, and how long they took.

One statement over the period answers for all of it, for each level, person, stretch of time and
length of time taken; its conditions are those of the history (verdict_facts).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    Case,
    CharField,
    DurationField,
    F,
    IntegerField,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Extract, TruncDay, TruncHour

from approvals.access import visible_requests
from approvals.console.filters import Said
from approvals.console.verdict_facts import SAID, decided_by, time_taken
from approvals.models import ApprovalRequest
from approvals.vocabulary import Resolution
from hitlconsole.accounts.models import User

QUICK_SECONDS = 5
# Where the lengths of time begin that are counted together, in seconds.
BANDS = (0, QUICK_SECONDS, 30, 120, 600, 3600)
_COUNTED = (Resolution.HUMAN, Resolution.SILENT_CONSENT, Resolution.EXHAUSTED)

_GROUPED = """
SELECT grouping(level, who, began, band), level, who, began, band,
       count(*) FILTER (WHERE kind = 'approved'), count(*) FILTER (WHERE kind = 'edited'),
       count(*) FILTER (WHERE kind = 'rejected'), count(*) FILTER (WHERE kind = 'silent_consent'),
       count(*) FILTER (WHERE kind = 'exhausted'), count(*) FILTER (WHERE band = 0),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took)
FROM ({closed}) AS closed (level, who, began, band, kind, took)
GROUP BY GROUPING SETS ((), (level), (who), (began), (band))
"""
# What grouping() says of a row: a bit for each column that it is not grouped by.
_ALL, _LEVEL, _WHO, _BEGAN, _BAND = 0b1111, 0b0111, 0b1011, 0b1101, 0b1110


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` on, up to `end`, counted by the hour or by the day."""

    begin: datetime
    end: datetime
    step: timedelta

    def steps(self) -> list[datetime]:
        """When each hour or day of it began, in UTC; the first one began before the span."""
        first = self.begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.step == timedelta(days=1):
            first = first.replace(hour=0)
        count = -(-(self.end - first) // self.step)
        return [first + number * self.step for number in range(count)]


@dataclass(frozen=True, slots=True)
class Made:
    """What people made of some requests, and how many closed without them. `median`: seconds."""

    approved: int = 0
    edited: int = 0
    rejected: int = 0
    silent: int = 0
    expired: int = 0
    quick: int = 0
    median: float | None = None

    @property
    def decided(self) -> int:
        return self.approved + self.edited + self.rejected

    @property
    def overridden(self) -> int:
        return self.edited + self.rejected

    @property
    def quick_share(self) -> float | None:
        return self.quick / self.decided if self.decided else None

    @property
    def override_share(self) -> float | None:
        return self.overridden / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class Oversight:
    """`bands`: by the place in BANDS."""

    all: Made = field(default_factory=Made)
    levels: Mapping[int, Made] = field(default_factory=dict)
    people: Mapping[UUID, Made] = field(default_factory=dict)
    steps: Mapping[datetime, Made] = field(default_factory=dict)
    bands: Mapping[int, Made] = field(default_factory=dict)


def load_oversight(user: User, span: Span) -> Oversight:
    """Of the requests that this person may see; of people whose numbers are their business."""
    sql, params = _closed(user, span).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED.format(closed=sql), params)
        rows = cursor.fetchall()
    groups: dict[int, dict[Any, Made]] = {}
    for grouping, *keys, approved, edited, rejected, silent, expired, quick, median in rows:
        made = Made(approved, edited, rejected, silent, expired, quick, median)
        key = next((key for key in keys if key is not None), None)
        groups.setdefault(grouping, {})[key] = made
    return Oversight(
        all=groups.get(_ALL, {}).get(None, Made()),
        levels=_known(groups, _LEVEL),
        people=_known(groups, _WHO),
        # date_trunc answers in the zone it was asked for, without saying so.
        steps={began.replace(tzinfo=UTC): made for began, made in _known(groups, _BEGAN).items()},
        bands=_known(groups, _BAND),
    )


def _known(groups: Mapping[int, Mapping[Any, Made]], grouping: int) -> dict[Any, Made]:
    """Without those of whom nobody, or nothing, is to be told."""
    return {key: made for key, made in groups.get(grouping, {}).items() if key is not None}


def _closed(user: User, span: Span) -> QuerySet[ApprovalRequest, Any]:
    requests = visible_requests(user).filter(
        resolution__in=_COUNTED, closed_at__gte=span.begin, closed_at__lt=span.end
    )
    trunc = TruncDay if span.step == timedelta(days=1) else TruncHour
    facts = requests.annotate(
        took=time_taken(),
        who=decided_by(user),
        began=trunc("closed_at", tzinfo=UTC),
        kind=_kind(),
    )
    return (
        facts.annotate(band=_band(), seconds=Extract("took", "epoch"))
        .order_by()
        .values_list("level", "who", "began", "band", "kind", "seconds")
    )


def _kind() -> Case:
    said = (Said.APPROVED, Said.EDITED, Said.REJECTED)
    whens = [When(SAID[one], then=Value(one.value)) for one in said]
    return Case(*whens, default=F("resolution"), output_field=CharField())


def _band() -> Case:
    """Where nobody decided there is none."""
    below = [
        When(took__lt=Value(timedelta(seconds=end), output_field=DurationField()), then=number)
        for number, end in enumerate(BANDS[1:])
    ]
    return Case(
        *below,
        When(took__isnull=False, then=len(BANDS) - 1),
        output_field=IntegerField(),
    )

"""The filters of the history that come by a link alone: in words, and the way to take them off."""

from datetime import UTC, datetime
from uuid import UUID

from approvals.console.filters import HistoryFilter, Said
from hitlconsole.accounts.models import User
from hitlconsole.ui.formats import duration

SAID_WORDS: dict[Said, str] = {
    Said.APPROVED: "approved as asked",
    Said.EDITED: "approved with edits",
    Said.REJECTED: "rejected",
    Said.OVERRIDDEN: "rejected or edited",
}


def chips_of(wanted: HistoryFilter) -> list[tuple[str, str, str]]:
    """(label, value, address without it)."""
    chips = []
    if wanted.said:
        chips.append(("Verdict", SAID_WORDS[wanted.said], wanted.without("said")))
    if wanted.by:
        chips.append(("Decided by", _name_of(wanted.by), wanted.without("by")))
    if wanted.closed_from or wanted.closed_to:
        rest = wanted.without("closed_from", "closed_to")
        chips.append(("Closed", _span_words(wanted.closed_from, wanted.closed_to), rest))
    if wanted.took_from is not None or wanted.took_under is not None:
        rest = wanted.without("took_from", "took_under")
        chips.append(("Decided in", _time_words(wanted.took_from, wanted.took_under), rest))
    return chips


def _name_of(person: UUID) -> str:
    found = User.objects.filter(pk=person).values_list("name", flat=True).first()
    return found or "nobody we know"


def _span_words(begin: datetime | None, end: datetime | None) -> str:
    since = f"from {_written(begin)}" if begin else ""
    return f"{since} until {_written(end)}".strip() if end else since


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _time_words(least: int | None, under: int | None) -> str:
    if under is None:
        return f"{duration(least or 0)} or more"
    return f"{duration(least)} to {duration(under)}" if least else f"under {duration(under)}"

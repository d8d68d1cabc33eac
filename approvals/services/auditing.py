"""The auditor's round: tell what is newly wrong, and tell an outside watch that all is well."""

import logging

from django.conf import settings

from approvals.health import ERROR, findings, is_well
from hitlconsole.lib import outbound

logger = logging.getLogger(__name__)

# What this process has told already: each finding is logged when it begins and when it ends.
_told: set[str] = set()


def audit() -> int:
    """How many promises are not kept now."""
    found = findings()
    _tell({one.code: one.detail for one in found if one.severity == ERROR})
    if is_well(found) and settings.HEARTBEAT_URL:
        _call_watch(settings.HEARTBEAT_URL)
    return len(found)


def _tell(errors: dict[str, str]) -> None:
    for code in sorted(errors.keys() - _told):
        logger.error("not kept: %s (%s)", errors[code], code)
    for code in sorted(_told - errors.keys()):
        logger.warning("kept again: %s", code)
    _told.clear()
    _told.update(errors)


def _call_watch(url: str) -> None:
    """A dead-man's switch: what raises the alarm is that this call stays away."""
    try:
        answer = outbound.post(url, body=b"", headers={"User-Agent": "hitl-console"})
    except (outbound.Refused, outbound.Unreachable) as error:
        logger.warning("the watch at HITL_HEARTBEAT_URL was not reached: %s", error)
    else:
        if answer.status >= 300:
            logger.warning("the watch at HITL_HEARTBEAT_URL answered %s", answer.status)

"""Who plays what, and when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from hitlconsole.demo.scenes import billing, mail, operations, records, research, support
from hitlconsole.demo.scenes.scene import Scene, Scenes

SCENES: Scenes = {
    **billing.SCENES,
    **mail.SCENES,
    **operations.SCENES,
    **records.SCENES,
    **research.SCENES,
    **support.SCENES,
}


@dataclass(frozen=True, slots=True)
class Script:
    """`opening`: seconds after the start, scene. `routine`: scenes and how often each is drawn.

    `lookups` are the scenes that an agent may still play while it is read-only.
    """

    opening: tuple[tuple[float, str], ...]
    routine: Mapping[str, int]
    lookups: tuple[str, ...] = ()


SCRIPTS: Mapping[str, Script] = {
    "mail-bot": Script(
        opening=((0.5, "wrong_recipients"), (14, "delay_notice")),
        routine={"delay_notice": 3, "campaign": 2, "segment_search": 3, "wrong_recipients": 1},
        lookups=("segment_search",),
    ),
    "billing-bot": Script(
        opening=((2, "double_charge"), (4, "goodwill_too_high"), (19, "coupon_that_fails")),
        routine={
            "refund_lost_parcel": 3,
            "refund_wrong_amount": 2,
            "coupon": 3,
            "goodwill_too_high": 1,
            "double_charge": 1,
        },
    ),
    "crm-bot": Script(
        opening=((1, "overwritten_record"), (9, "contact_note"), (17, "returned_mail")),
        routine={
            "contact_note": 4,
            "returned_mail": 3,
            "merge_of_names": 2,
            "overwritten_record": 1,
        },
    ),
    "support-bot": Script(
        opening=(
            (0, "order_lookup"),
            (6, "reply_about_delivery"),
            (8, "refund_with_a_question"),
            (12, "close_solved_ticket"),
            (26, "calendar_entry"),
        ),
        routine={
            "order_lookup": 4,
            "reply_about_delivery": 4,
            "close_solved_ticket": 3,
            "close_silent_ticket": 2,
            "refund_with_a_question": 1,
            "calendar_entry": 1,
        },
        lookups=("order_lookup",),
    ),
    "ops-bot": Script(
        opening=((7, "restart"), (11, "delete_rows"), (22, "restart_withdrawn")),
        routine={
            "restart": 4,
            "uptime_report": 2,
            "runbook_search": 3,
            "restart_withdrawn": 1,
            "delete_rows": 1,
        },
        lookups=("runbook_search",),
    ),
    "research-bot": Script(
        opening=((3, "price_search"), (10, "contradicting_sources")),
        routine={"price_search": 4, "price_report": 5, "contradicting_sources": 1},
        lookups=("price_search",),
    ),
}


def make_scene(name: str, seed: int) -> Scene:
    """The same name and seed give the same scene, in another process too."""
    return SCENES[name](Random(seed))  # noqa: S311 - a play, not a secret


def draw(script: Script, rng: Random, *, read_only: bool) -> str | None:
    """The next scene of the routine; None where a read-only agent has nothing it may do."""
    names = script.lookups if read_only else tuple(script.routine)
    if not names:
        return None
    return rng.choices(names, [script.routine[name] for name in names])[0]

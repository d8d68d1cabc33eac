"""The form of an escalation policy: plain fields, which buttons of the form add, move and drop.

What was typed is kept as it is until it is saved: a draft of strings, from which the document is
made and to which its errors are led back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from django.http import QueryDict

from approvals.escalation.policy import MOST_TIERS, EscalationPolicy, Tier

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class TierDraft:
    """`targets` like "reviewers" or "person:<id>"; `minutes` as typed, empty: no own limit."""

    name: str = ""
    minutes: str = ""
    targets: tuple[str, ...] = ()
    primary: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tier: Tier) -> Self:
        targets = [t.kind.value if t.id is None else f"{t.kind.value}:{t.id}" for t in tier.targets]
        return cls(
            name=tier.name,
            minutes="" if tier.seconds is None else f"{tier.seconds / 60:g}",
            targets=tuple(targets),
            primary=tuple(map(str, tier.primary)),
            backup=tuple(map(str, tier.backup)),
        )

    def to_json(self) -> dict[str, Any]:
        targets = [word.partition(":") for word in self.targets]
        return {
            "name": self.name,
            "targets": [{"kind": kind, "id": one or None} for kind, _, one in targets],
            "seconds": _seconds(self.minutes),
            "primary": list(self.primary),
            "backup": list(self.backup),
        }


def _seconds(minutes: str) -> Any:
    """Seconds, None for nothing typed, or the text itself, which the policy then refuses."""
    text = minutes.strip().replace(",", ".")
    if not text:
        return None
    try:
        return round(float(text) * 60)
    except (ValueError, OverflowError):
        return text


@dataclass(frozen=True, slots=True)
class Draft:
    tiers: tuple[TierDraft, ...]
    revision: int
    repeat: str = "0"
    quiet: bool = False
    quiet_start: str = "20:00"
    quiet_end: str = "08:00"
    quiet_timezone: str = "UTC"
    quiet_weekdays: tuple[str, ...] = tuple("0123456")
    tell_admins: bool = True
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: EscalationPolicy, revision: int) -> Self:
        draft = cls(
            tiers=tuple(map(TierDraft.of, policy.tiers)),
            revision=revision,
            repeat=str(policy.repeat),
            tell_admins=policy.tell_admins_when_exhausted,
        )
        if policy.quiet is None:
            return draft
        quiet = policy.to_json()["quiet"]
        return replace(
            draft,
            quiet=True,
            quiet_start=quiet["start"],
            quiet_end=quiet["end"],
            quiet_timezone=quiet["timezone"],
            quiet_weekdays=tuple(map(str, quiet["weekdays"])),
        )

    @classmethod
    def read(cls, post: QueryDict) -> Self:
        count = min(_number(post.get("tiers", "1"), 1), MOST_TIERS)
        return cls(
            tiers=tuple(_read_tier(post, number) for number in range(count)),
            revision=_number(post.get("revision", "0"), 0),
            repeat=post.get("repeat", "0"),
            quiet=post.get("quiet") == "on",
            quiet_start=post.get("quiet_start", ""),
            quiet_end=post.get("quiet_end", ""),
            quiet_timezone=post.get("quiet_timezone", ""),
            quiet_weekdays=tuple(post.getlist("quiet_weekdays")),
            tell_admins=post.get("tell_admins") == "on",
        )

    def changed(self, action: str) -> Self:
        """After one of the form's own buttons: add, drop-N, up-N, down-N."""
        verb, _, place = action.partition("-")
        tiers, number = list(self.tiers), _number(place, -1)
        if verb == "add" and len(tiers) < MOST_TIERS:
            tiers.append(TierDraft(name=f"Tier {len(tiers)}", targets=("reviewers",)))
        elif verb == "drop" and 0 <= number < len(tiers) > 1:
            del tiers[number]
        elif verb in ("up", "down"):
            other = number + (1 if verb == "down" else -1)
            if 0 <= number < len(tiers) and 0 <= other < len(tiers):
                tiers[number], tiers[other] = tiers[other], tiers[number]
        return replace(self, tiers=tuple(tiers))

    def to_json(self) -> dict[str, Any]:
        quiet = {
            "start": self.quiet_start,
            "end": self.quiet_end,
            "timezone": self.quiet_timezone,
            "weekdays": [_number(day, day) for day in self.quiet_weekdays],
        }
        return {
            "tiers": [tier.to_json() for tier in self.tiers],
            "repeat": _number(self.repeat, self.repeat),
            "quiet": quiet if self.quiet else None,
            "tell_admins_when_exhausted": self.tell_admins,
        }

    def with_errors(self, errors: Sequence[Any]) -> Self:
        """Each error beside the field that it is about."""
        own: dict[str, str] = {}
        by_tier: dict[int, dict[str, str]] = {}
        for error in errors:
            place = list(error.loc)
            if place[0] == "tiers" and len(place) > 2:
                name = "minutes" if place[2] == "seconds" else str(place[2])
                by_tier.setdefault(place[1], {})[name] = _in_words(error.msg, name)
            else:
                own["quiet" if place[0] == "quiet" else str(place[0])] = error.msg
        tiers = [
            replace(tier, errors=by_tier.get(number, {})) for number, tier in enumerate(self.tiers)
        ]
        return replace(self, tiers=tuple(tiers), errors=own)


def _in_words(msg: str, name: str) -> str:
    if name == "minutes":
        return "Half a minute to a year, in minutes; or nothing."
    if name == "targets" and msg.startswith("must have"):
        return "Choose at least one."
    return msg[:1].upper() + msg[1:] + "."


def _read_tier(post: QueryDict, number: int) -> TierDraft:
    def many(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(post.getlist(f"tier-{number}-{name}")))

    return TierDraft(
        name=post.get(f"tier-{number}-name", ""),
        minutes=post.get(f"tier-{number}-minutes", ""),
        targets=many("targets"),
        primary=many("primary"),
        backup=many("backup"),
    )


def _number(text: str, otherwise: Any) -> Any:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else otherwise

"""Who and what there is in the demonstration: an outdoor shop, its people and its agents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from autonomy.vocabulary import Domain, Level
from hitlconsole.accounts.models import Role
from hitlconsole.demo.scenes.colleagues import ANA, INES, JONAS, MEI, PRIYA, SAMUEL
from hitlconsole.demo.schemas import arguments, choice, count, flag, members, money, text

PAYMENTS, SUPPORT, OPERATIONS = "Payments", "Support", "Operations"
TEAMS = (PAYMENTS, SUPPORT, OPERATIONS)
DESK = "Chat desk"

FREE = Decimal("0.00")
# Short, so that a visitor sees silence and escalation do their work.
HARD_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class PersonSpec:
    email: str
    name: str
    roles: tuple[tuple[str, Role], ...]
    admin: bool = False


PEOPLE = (
    PersonSpec(ANA, "Ana Duarte", tuple((team, Role.REVIEWER) for team in TEAMS), admin=True),
    PersonSpec(JONAS, "Jonas Weber", ((PAYMENTS, Role.REVIEWER),)),
    PersonSpec(MEI, "Mei Tanaka", ((SUPPORT, Role.REVIEWER),)),
    PersonSpec(SAMUEL, "Samuel Okafor", ((OPERATIONS, Role.REVIEWER), (PAYMENTS, Role.REVIEWER))),
    PersonSpec(
        INES,
        "Ines Laurent",
        ((SUPPORT, Role.REVIEWER), (SUPPORT, Role.ADMIN), (OPERATIONS, Role.REVIEWER)),
    ),
    PersonSpec(PRIYA, "Priya Nair", tuple((team, Role.COMPLIANCE) for team in TEAMS)),
)


@dataclass(frozen=True, slots=True)
class ActionTypeSpec:
    name: str
    description: str
    schema: Mapping[str, Any]
    reversible: bool | None = None
    domains: tuple[Domain, ...] = ()
    cost_usd: Decimal | None = None
    floor: Level | None = None
    side_effects: bool = True
    team: str = ""
    soft_seconds: int | None = None
    hard_seconds: int | None = HARD_SECONDS
    quorum: int | None = None


ACTION_TYPES = (
    ActionTypeSpec(
        "order.lookup",
        "Read an order with its payments and parcels.",
        arguments(order=text("Order")),
        side_effects=False,
        cost_usd=FREE,
    ),
    ActionTypeSpec(
        "knowledge.search",
        "Search handbooks, supplier sheets and past tickets.",
        arguments(query=text("Query")),
        side_effects=False,
        cost_usd=FREE,
    ),
    ActionTypeSpec(
        "refund.create",
        "Pay money back to the customer's means of payment.",
        arguments(
            order=text("Order"),
            amount=money("Amount"),
            currency=choice("Currency", "USD", "EUR"),
            reason=choice("Reason", "lost", "damaged", "late", "returned", "goodwill"),
        ),
        reversible=False,
        domains=(Domain.FINANCIAL,),
        team=PAYMENTS,
    ),
    ActionTypeSpec(
        "charge.create",
        "Charge the customer's stored means of payment.",
        arguments(
            order=text("Order"),
            amount=money("Amount"),
            currency=choice("Currency", "USD", "EUR"),
            method=text("Means of payment"),
            memo=text("Text on the statement", longest=40),
        ),
        reversible=False,
        domains=(Domain.FINANCIAL,),
        team=PAYMENTS,
    ),
    ActionTypeSpec(
        "coupon.create",
        "Give a customer a coupon for the next order. It can be withdrawn until it is used.",
        arguments(
            customer=text("Customer"),
            amount=money("Amount"),
            currency=choice("Currency", "USD", "EUR"),
            valid_days=count("Valid for days", most=365),
        ),
        reversible=True,
        soft_seconds=90,
    ),
    ActionTypeSpec(
        "email.send_batch",
        "Send an e-mail to everybody in a segment of customers.",
        arguments(
            segment=text("Segment"),
            recipients=count("Recipients"),
            template=text("Template"),
            subject=text("Subject"),
            skip_opted_out=flag("Leave out who opted out"),
        ),
        reversible=False,
        domains=(Domain.PII,),
        cost_usd=FREE,
        team=SUPPORT,
    ),
    ActionTypeSpec(
        "record.update",
        "Change fields of a customer's record. The former values can be restored.",
        arguments(
            record=text("Record"), version_read=count("Version read"), fields=members("New values")
        ),
        reversible=True,
        cost_usd=FREE,
        soft_seconds=75,
    ),
    ActionTypeSpec(
        "ticket.reply",
        "Answer a customer on a ticket. What is sent stays sent.",
        arguments(ticket=text("Ticket"), to=text("To"), text=text("Text", longest=4000)),
        reversible=False,
        cost_usd=FREE,
        soft_seconds=90,
    ),
    ActionTypeSpec(
        "ticket.close",
        "Close a ticket. The customer can open it again.",
        arguments(
            ticket=text("Ticket"),
            resolution=choice("Resolution", "solved", "no answer", "duplicate"),
        ),
        reversible=True,
        cost_usd=FREE,
        soft_seconds=60,
    ),
    ActionTypeSpec(
        "service.restart",
        "Restart one service, instance by instance.",
        arguments(
            service=text("Service"),
            environment=choice("Environment", "staging", "production"),
            reason=text("Reason", longest=500),
        ),
        reversible=True,
        cost_usd=FREE,
        team=OPERATIONS,
        soft_seconds=60,
    ),
    ActionTypeSpec(
        "report.publish",
        "Publish a report on the intranet. It can be withdrawn.",
        arguments(
            report=text("Report"),
            period=text("Period"),
            audience=choice("Audience", "team", "company"),
        ),
        reversible=True,
        cost_usd=FREE,
        soft_seconds=90,
    ),
    ActionTypeSpec(
        "database.delete_rows",
        "Delete rows of a production table. Two people have to agree.",
        arguments(
            table=text("Table"),
            where=text("Condition", longest=500),
            rows=count("Rows"),
            backup=text("Backup", longest=100),
        ),
        reversible=False,
        cost_usd=FREE,
        floor=Level.HARD_APPROVAL,
        team=OPERATIONS,
        quorum=2,
    ),
)


# Who is on call for payments, by turns of a week.
ON_CALL = ("Payments on call", (JONAS, SAMUEL))
# The teams whose people get mail. Operations has none: there silence consents only while
# somebody has the queue open, and escalates otherwise.
WITH_MAIL = (PAYMENTS, SUPPORT)
MAIL = "Mail to {team}"


def escalation_of_payments(rotation_id: str) -> dict[str, Any]:
    """Whoever is on call for two minutes, then everybody, then the admins as well."""
    return {
        "tiers": [
            {
                "name": "On call",
                "targets": [{"kind": "rotation", "id": rotation_id}],
                "seconds": 120,
            },
            {"name": "The whole team", "targets": [{"kind": "reviewers"}], "seconds": 180},
            {
                "name": "With the admins",
                "targets": [{"kind": "reviewers"}, {"kind": "admins"}],
                "seconds": 300,
            },
        ],
    }


def escalation_of_support() -> dict[str, Any]:
    """Nobody is told at night of what was approved by itself."""
    return {
        "tiers": [
            {"name": "Reviewers", "targets": [{"kind": "reviewers"}], "seconds": 300},
            {
                "name": "Reviewers and admins",
                "targets": [{"kind": "reviewers"}, {"kind": "admins"}],
                "seconds": 600,
            },
        ],
        "quiet": {"start": "22:00", "end": "07:00", "timezone": "Europe/Lisbon"},
    }


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """`trust`: where the agent has left the common starting level, with the reason on record."""

    name: str
    team: str
    description: str
    owner: str = ""
    trust: Mapping[str, tuple[Level, str]] = field(default_factory=dict)


AGENTS = (
    AgentSpec(
        "support-bot",
        SUPPORT,
        "Reads tickets, looks orders up, drafts answers and closes what is solved.",
        INES,
        {
            "ticket.close": (
                Level.FULL_AUTO,
                "300 closed tickets sampled in May: two were opened again, both by mistake.",
            )
        },
    ),
    AgentSpec(
        "billing-bot",
        PAYMENTS,
        "Settles refunds, charges and coupons between the shop and the payment provider.",
        SAMUEL,
    ),
    AgentSpec(
        "crm-bot",
        SUPPORT,
        "Keeps customer records up to date from forms, calls and returned mail.",
        INES,
        {
            "record.update": (
                Level.NOTIFY_ONLY,
                "Six weeks without a correction; every change can be restored from the history.",
            )
        },
    ),
    AgentSpec(
        "mail-bot",
        SUPPORT,
        "Prepares campaigns and service e-mails for segments of customers.",
        INES,
    ),
    AgentSpec(
        "ops-bot",
        OPERATIONS,
        "Watches the shop's services, restarts them and keeps the databases tidy.",
        PRIYA,
        {
            "service.restart": (
                Level.NOTIFY_ONLY,
                "Restarts are rolling and were right in every incident of the last quarter.",
            )
        },
    ),
    AgentSpec(
        "research-bot",
        OPERATIONS,
        "Gathers figures from suppliers and sales and writes them up as reports.",
    ),
)

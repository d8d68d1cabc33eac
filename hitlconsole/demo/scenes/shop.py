"""Customers, goods and orders of the shop, drawn at random. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

CUSTOMERS = (
    ("Hannah Okoye", "hannah.okoye@example.com"),
    ("Luis Ferreira", "luis.ferreira@example.com"),
    ("Yuki Mori", "yuki.mori@example.com"),
    ("Clara Lindqvist", "clara.lindqvist@example.com"),
    ("Tom Brennan", "tom.brennan@example.com"),
    ("Aisha Rahman", "aisha.rahman@example.com"),
    ("Pavel Novák", "pavel.novak@example.com"),
    ("Zoë van Dijk", "zoe.vandijk@example.com"),
    ("Marco Bianchi", "marco.bianchi@example.com"),
    ("Grace Mensah", "grace.mensah@example.com"),
)
GOODS = (
    ("two-person tent", Decimal("289.00")),
    ("down jacket", Decimal("219.50")),
    ("hiking boots", Decimal("164.90")),
    ("sleeping bag", Decimal("139.00")),
    ("trekking poles", Decimal("79.00")),
    ("camping stove", Decimal("64.50")),
    ("rain cover", Decimal("34.90")),
    ("head torch", Decimal("49.00")),
)


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    customer: str
    email: str
    item: str
    total: Decimal

    @property
    def card(self) -> str:
        """The last digits of the stored card, always the same for an order."""
        return f"card ending {int(self.number[2:]) * 37 % 9000 + 1000}"


def draw_order(rng: Random, *, at_least: int = 0) -> Order:
    customer, email = rng.choice(CUSTOMERS)
    item, price = rng.choice([goods for goods in GOODS if goods[1] >= at_least])
    return Order(f"HP{rng.randrange(41_000, 49_999)}", customer, email, item, price)


def draw_ticket(rng: Random) -> str:
    return f"T-{rng.randrange(20_100, 29_900)}"


def first_name(order: Order) -> str:
    return order.customer.split()[0]


def part(amount: Decimal, percent: int) -> Decimal:
    return (amount * percent / 100).quantize(Decimal("0.01"))

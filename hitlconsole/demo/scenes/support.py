"""support-bot: tickets and the orders behind them. Pure."""

from random import Random

from hitlconsole.demo.scenes.colleagues import JONAS
from hitlconsole.demo.scenes.scene import Ask, Done, Move, Outcome, Scene, Scenes
from hitlconsole.demo.scenes.shop import draw_order, draw_ticket, first_name


def order_lookup(rng: Random) -> Scene:
    order, ticket = draw_order(rng), draw_ticket(rng)
    ask = Ask(
        action_type="order.lookup",
        arguments={"order": order.number},
        label=order.number,
        description=f"Read order {order.number} to answer ticket {ticket}",
        task=f"Answer ticket {ticket}: “Where is my {order.item}?”",
        score=0.97,
        reversible=True,
    )
    found = {"status": "shipped", "item": order.item, "carrier": "NordPost"}
    return Scene(ask, outcome=Outcome(details=found, seconds=1))


def reply_about_delivery(rng: Random) -> Scene:
    order, ticket = draw_order(rng), draw_ticket(rng)
    words = (
        f"Hello {first_name(order)},\n\nyour {order.item} left our warehouse yesterday and is with"
        " NordPost. It should reach you within two working days; the tracking link is in the"
        " e-mail we sent this morning.\n\nHarbour & Pine"
    )
    ask = Ask(
        action_type="ticket.reply",
        arguments={"ticket": ticket, "to": order.email, "text": words},
        label=ticket,
        description=f"Answer {order.customer} on {ticket}: when the {order.item} arrives",
        task=f"Answer ticket {ticket} about order {order.number}.",
        score=round(rng.uniform(0.83, 0.93), 2),
        rationale="The carrier's scan is from last night and the address is complete.",
        history=(
            Done(6, f"ticket.read {ticket}", f"“Where is my {order.item}? I leave on Friday.”"),
            Done(5, f"order.lookup {order.number}", {"status": "shipped"}),
            Done(4, f"carrier.trace {order.number}", {"last_scan": "hub Hamburg, 23:41"}),
        ),
        on_behalf_of=order.email,
    )
    answer = "NordPost gives Thursday as the date; the customer leaves on Friday."
    return Scene(ask, answer=answer, outcome=Outcome(details={"message": f"msg_{ticket}"}))


def close_solved_ticket(rng: Random) -> Scene:
    ticket = draw_ticket(rng)
    ask = Ask(
        action_type="ticket.close",
        arguments={"ticket": ticket, "resolution": "solved"},
        label=ticket,
        description=f"Close {ticket}: the customer wrote that all is well",
        task=f"Work off ticket {ticket}.",
        score=0.95,
        rationale="The last message says thank you and asks nothing.",
        reversible=True,
        history=(Done(1, f"ticket.read {ticket}", "“That worked, thank you!”"),),
    )
    return Scene(ask, outcome=Outcome(details={"closed": True}, seconds=1))


def close_silent_ticket(rng: Random) -> Scene:
    ticket = draw_ticket(rng)
    ask = Ask(
        action_type="ticket.close",
        arguments={"ticket": ticket, "resolution": "no answer"},
        label=ticket,
        description=f"Close {ticket}: no answer from the customer for three weeks",
        task="Clear tickets that wait for customers.",
        score=0.79,
        rationale="Two reminders went out and were delivered.",
        uncertainties=("The customer may be away: the order was for a long trip.",),
        reversible=True,
        history=(
            Done(30_240, f"ticket.remind {ticket}", "delivered"),
            Done(10_080, f"ticket.remind {ticket}", "delivered"),
        ),
    )
    return Scene(ask, outcome=Outcome(details={"closed": True}, seconds=1))


def refund_with_a_question(rng: Random) -> Scene:
    """A reviewer asks for the photograph; the agent answers; somebody decides."""
    order, ticket = draw_order(rng, at_least=64), draw_ticket(rng)
    ask = Ask(
        action_type="refund.create",
        arguments={
            "order": order.number,
            "amount": f"{order.total:.2f}",
            "currency": "USD",
            "reason": "damaged",
        },
        label=f"{order.total:.2f} USD",
        description=f"Refund order {order.number}: the {order.item} arrived damaged",
        task=f"Answer ticket {ticket}: damaged on arrival.",
        score=0.81,
        rationale="The description of the damage fits the parcel's weight note.",
        uncertainties=("I have not compared the photograph with the serial number.",),
        cost=order.total,
        reversible=False,
        domains=("financial",),
        history=(
            Done(14, f"ticket.read {ticket}", f"“My {order.item} arrived torn open.” 1 photograph"),
            Done(12, f"order.lookup {order.number}", {"delivered": True, "days_ago": 2}),
        ),
        on_behalf_of=order.email,
    )
    answer = (
        "Yes. The photograph shows the tear and the label; the serial number on it is the one of"
        f" order {order.number}. The customer keeps the item for the carrier's inspection."
    )
    question = "Is there a photograph that shows the serial number?"
    return Scene(ask, answer=answer, desk=Move(JONAS, "ask", 11, question))


def calendar_entry(rng: Random) -> Scene:
    """An action type that nobody has registered."""
    order, ticket = draw_order(rng), draw_ticket(rng)
    ask = Ask(
        action_type="calendar.create_event",
        arguments={
            "title": f"Call {order.customer} back ({ticket})",
            "calendar": "support",
            "minutes": 15,
            "in_hours": 3,
        },
        label=f"call {ticket}",
        description=f"Put a call to {order.customer} into the support calendar",
        task=f"Answer ticket {ticket}: the customer prefers to talk.",
        score=0.9,
        rationale="The customer asked for a call this afternoon.",
        cost=None,
        reversible=True,
        history=(Done(2, f"ticket.read {ticket}", "“Please just call me, after three.”"),),
    )
    return Scene(ask, outcome=Outcome(details={"event": f"ev_{ticket}"}, seconds=1))


SCENES: Scenes = {
    "order_lookup": order_lookup,
    "reply_about_delivery": reply_about_delivery,
    "close_solved_ticket": close_solved_ticket,
    "close_silent_ticket": close_silent_ticket,
    "refund_with_a_question": refund_with_a_question,
    "calendar_entry": calendar_entry,
}

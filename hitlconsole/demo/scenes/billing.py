"""billing-bot: refunds, charges, coupons. Pure."""

from decimal import Decimal
from random import Random

from hitlconsole.demo.scenes.colleagues import JONAS
from hitlconsole.demo.scenes.scene import Ask, Done, Json, Move, Outcome, Scene, Scenes
from hitlconsole.demo.scenes.shop import Order, draw_order, first_name, part


def _money(order: Order, amount: Decimal, **more: str) -> Json:
    return {"order": order.number, "amount": f"{amount:.2f}", "currency": "USD", **more}


def double_charge(rng: Random) -> Scene:
    """The charge went through four minutes ago; the provider's answer got lost."""
    order = draw_order(rng, at_least=139)
    charge = f"ch_{rng.randrange(16**8):08x}"
    ask = Ask(
        action_type="charge.create",
        arguments=_money(
            order, order.total, method=order.card, memo=f"Harbour & Pine {order.number}"
        ),
        label=f"{order.total:.2f} USD",
        description=f"Charge {order.customer} for {order.number}: the first attempt timed out",
        task=f"Collect the payment of order {order.number}.",
        score=0.77,
        rationale="The payment call ended in a timeout, so the order still shows as unpaid.",
        uncertainties=(
            "The provider's event list shows a succeeded charge of the same amount.",
            "I cannot tell whether that charge belongs to the attempt that timed out.",
        ),
        cost=order.total,
        reversible=False,
        domains=("financial",),
        history=(
            Done(5, f"order.lookup {order.number}", {"status": "placed", "paid": False}),
            Done(4, f"charge.create {order.total:.2f} USD, {order.card}", "timeout after 30 s"),
            Done(
                1,
                f"payments.events order={order.number}",
                [{"charge": charge, "amount": f"{order.total:.2f}", "status": "succeeded"}],
            ),
        ),
        state={
            "order": {"number": order.number, "total": f"{order.total:.2f}", "paid": False},
            "provider": {"charges_found": 1, "charge": charge, "status": "succeeded"},
        },
    )
    answer = f"The provider lists {charge} as succeeded, four minutes ago, on the same card."
    return Scene(ask, answer=answer)


def goodwill_too_high(rng: Random) -> Scene:
    """Half the price as goodwill is refused; a smaller refund is asked for instead."""
    order = draw_order(rng, at_least=64)
    much, fair = part(order.total, 50), part(order.total, 15)
    task = f"Settle the complaint of {order.customer} about the late delivery of {order.number}."
    history = (
        Done(11, f"ticket.read {order.number}", "Six days late; the holiday was over. Very upset."),
        Done(
            9, f"order.lookup {order.number}", {"item": order.item, "total": f"{order.total:.2f}"}
        ),
    )
    ask = _goodwill(order, much, task, history, 0.74, "Half the price, as the customer demands.")
    handbook = Done(0, "handbook: goodwill", "Late delivery: up to 15 % without a manager.")
    again = _goodwill(
        order, fair, task, (*history, handbook), 0.88, "15 %, as the handbook allows for delays."
    )
    notes = "Goodwill for a late parcel is 15 % at most (handbook 4.2). Offer that."
    return Scene(ask, retry=again, desk=Move(JONAS, "reject", 16, notes))


def _goodwill(
    order: Order,
    amount: Decimal,
    task: str,
    history: tuple[Done, ...],
    score: float,
    why: str,
) -> Ask:
    return Ask(
        action_type="refund.create",
        arguments=_money(order, amount, reason="goodwill"),
        label=f"{amount:.2f} USD",
        description=f"Refund a part of order {order.number} to {order.customer}: parcel was late",
        task=task,
        score=score,
        rationale=why,
        uncertainties=("Whether the customer stays with us after a smaller gesture.",),
        cost=amount,
        reversible=False,
        domains=("financial",),
        history=history,
        on_behalf_of=order.email,
    )


def refund_lost_parcel(rng: Random) -> Scene:
    order = draw_order(rng)
    ask = Ask(
        action_type="refund.create",
        arguments=_money(order, order.total, reason="lost"),
        label=f"{order.total:.2f} USD",
        description=f"Refund order {order.number} in full to {order.customer}: parcel lost",
        task=f"Answer the claim of {order.customer} for the lost parcel of {order.number}.",
        score=0.93,
        rationale="The carrier confirmed the loss in writing; nothing was delivered.",
        cost=order.total,
        reversible=False,
        domains=("financial",),
        history=(
            Done(42, f"carrier.trace {order.number}", "lost between hubs, claim accepted"),
            Done(40, f"order.lookup {order.number}", {"paid": True, "refunded": "0.00"}),
        ),
        on_behalf_of=order.email,
    )
    paid = Outcome(details={"refund": f"re_{rng.randrange(16**8):08x}", "arrives_in_days": 3})
    desk = Move(JONAS, "approve", 13, "Carrier's letter checked.")
    return Scene(ask, outcome=paid, desk=desk)


def refund_wrong_amount(rng: Random) -> Scene:
    """The delivery fee was forgotten: approved with another amount."""
    order = draw_order(rng)
    whole = order.total + Decimal("6.90")
    ask = Ask(
        action_type="refund.create",
        arguments=_money(order, order.total, reason="returned"),
        label=f"{order.total:.2f} USD",
        description=f"Refund the returned {order.item} of order {order.number}",
        task=f"Finish the return of order {order.number}.",
        score=0.84,
        rationale="The warehouse booked the return as complete and as new.",
        uncertainties=("Whether the delivery fee belongs to the refund.",),
        cost=order.total,
        reversible=False,
        domains=("financial",),
        history=(
            Done(95, f"warehouse.returns {order.number}", {"received": True, "condition": "A"}),
            Done(
                3, f"order.lookup {order.number}", {"goods": f"{order.total}", "delivery": "6.90"}
            ),
        ),
        on_behalf_of=order.email,
    )
    notes = "Within 14 days the delivery fee goes back as well."
    move = Move(JONAS, "approve_with_edits", 24, notes, {"amount": f"{whole:.2f}"})
    paid = Outcome(details={"refund": f"re_{rng.randrange(16**8):08x}"})
    return Scene(ask, outcome=paid, desk=move)


def coupon(rng: Random) -> Scene:
    return _coupon(rng, Outcome(details={"code": f"PINE-{rng.randrange(16**4):04X}"}))


def coupon_that_fails(rng: Random) -> Scene:
    failure = {"error": "coupon service: campaign budget of this month is used up"}
    return _coupon(rng, Outcome("failure", failure))


def _coupon(rng: Random, outcome: Outcome) -> Scene:
    order = draw_order(rng)
    amount = Decimal(rng.choice((10, 15, 20)))
    ask = Ask(
        action_type="coupon.create",
        arguments={
            "customer": order.email,
            "amount": f"{amount:.2f}",
            "currency": "USD",
            "valid_days": 90,
        },
        label=f"{amount:.2f} USD",
        description=f"Give {order.customer} a coupon for the next order",
        task=f"Thank {first_name(order)} for the photographs sent with the review of {order.item}.",
        score=0.87,
        rationale="The review was published and has four photographs.",
        cost=amount,
        reversible=True,
        history=(Done(18, f"reviews.read {order.number}", {"stars": 5, "photographs": 4}),),
    )
    return Scene(ask, outcome=outcome)


SCENES: Scenes = {
    "double_charge": double_charge,
    "goodwill_too_high": goodwill_too_high,
    "refund_lost_parcel": refund_lost_parcel,
    "refund_wrong_amount": refund_wrong_amount,
    "coupon": coupon,
    "coupon_that_fails": coupon_that_fails,
}

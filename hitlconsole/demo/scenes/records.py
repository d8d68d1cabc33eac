"""crm-bot: customer records. Pure."""

from random import Random

from hitlconsole.demo.scenes.colleagues import MEI
from hitlconsole.demo.scenes.scene import Ask, Done, Json, Move, Outcome, Scene, Scenes
from hitlconsole.demo.scenes.shop import draw_order

STREETS = ("Quay Street", "Mill Lane", "Station Road", "Harbour View", "Old Market", "Pine Avenue")


def overwritten_record(rng: Random) -> Scene:
    """The form is older than what the customer said on the telephone an hour ago."""
    order = draw_order(rng)
    record, version = f"cus_{rng.randrange(10_000, 99_999)}", rng.randrange(4, 30)
    old, new = (f"{n} {s}" for n, s in zip((12, 88), rng.sample(STREETS, 2), strict=True))
    ask = Ask(
        action_type="record.update",
        arguments={"record": record, "version_read": version, "fields": {"street": old}},
        label=record,
        description=f"Set the street of {order.customer} to “{old}”, as the web form says",
        task="Work off the address forms that came in over the weekend.",
        score=0.71,
        rationale="The form is complete and signed in with the customer's account.",
        uncertainties=(
            f"The record is at version {version + 1}; I prepared this from version {version}.",
            "The newer value was entered by telephone support an hour ago.",
        ),
        recommendation="CLARIFY",
        reversible=True,
        history=(
            Done(2_880, f"forms.read {record}", {"street": old, "received": "Saturday"}),
            Done(180, f"record.read {record}", {"version": version, "street": "unknown"}),
            Done(1, f"record.read {record}", {"version": version + 1, "street": new}),
        ),
        state={
            "wanted": {"street": old, "from": "web form of Saturday"},
            "in_the_record_now": {"street": new, "version": version + 1, "by": "phone support"},
        },
    )
    answer = f"The caller gave “{new}” as the address after a move. The form is from before it."
    return Scene(ask, answer=answer)


def contact_note(rng: Random) -> Scene:
    order = draw_order(rng)
    fields = {"preferred_contact": rng.choice(("e-mail", "telephone", "text message"))}
    return _update(rng, fields, f"Note how {order.customer} wants to be reached", 0.93)


def returned_mail(rng: Random) -> Scene:
    order = draw_order(rng)
    words = f"Mark the postal address of {order.customer} as wrong: the letter came back"
    return _update(rng, {"address_status": "returned"}, words, round(rng.uniform(0.78, 0.84), 2))


def merge_of_names(rng: Random) -> Scene:
    order = draw_order(rng)
    scene = _update(rng, {"name": order.customer.upper()}, f"Set the name of {order.customer}", 0.8)
    move = Move(
        MEI,
        "approve_with_edits",
        20,
        "Names stay in mixed case: the letters use them.",
        {"fields": {"name": order.customer}},
    )
    return Scene(scene.ask, outcome=scene.outcome, desk=move)


def _update(rng: Random, fields: Json, description: str, score: float) -> Scene:
    record, version = f"cus_{rng.randrange(10_000, 99_999)}", rng.randrange(2, 40)
    ask = Ask(
        action_type="record.update",
        arguments={"record": record, "version_read": version, "fields": fields},
        label=record,
        description=description,
        task="Keep the customer records in step with forms, calls and returned mail.",
        score=score,
        rationale="One source, dated today, and the record has not changed since I read it.",
        reversible=True,
        history=(Done(1, f"record.read {record}", {"version": version}),),
        state={"record": record, "version": version, "changes": fields},
    )
    return Scene(ask, outcome=Outcome(details={"version": version + 1}, seconds=1))


SCENES: Scenes = {
    "overwritten_record": overwritten_record,
    "contact_note": contact_note,
    "returned_mail": returned_mail,
    "merge_of_names": merge_of_names,
}

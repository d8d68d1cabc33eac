"""mail-bot: e-mails to segments of customers. Pure."""

from random import Random

from hitlconsole.demo.scenes.colleagues import MEI
from hitlconsole.demo.scenes.scene import Ask, Done, Move, Outcome, Scene, Scenes


def wrong_recipients(rng: Random) -> Scene:
    """The recall notice goes to everybody instead of the buyers of one stove."""
    recipients, buyers = 1840, 212
    ask = Ask(
        action_type="email.send_batch",
        arguments={
            "segment": "all-customers-eu",
            "recipients": recipients,
            "template": "recall-stove-2",
            "subject": "Please stop using your camping stove",
            "skip_opted_out": False,
        },
        label=f"{recipients:,} recipients",
        description=f"Send the stove recall notice to {recipients:,} customers",
        task="Tell the buyers of the camping stove of batch 2 about the recall, today.",
        score=0.58,
        rationale="The recall has to go out today and this segment is ready to use.",
        uncertainties=(
            f"The segment has {recipients:,} people; the stove of batch 2 was sold {buyers} times.",
            "361 of them have opted out of e-mail from us.",
            "I could not find a segment of buyers and took the one above it.",
        ),
        reversible=False,
        domains=("pii",),
        history=(
            Done(26, "orders.count item=stove batch=2", {"orders": buyers}),
            Done(21, "segments.find “stove buyers batch 2”", "no segment of this name"),
            Done(
                19, "segments.find “stove”", ["all-customers-eu (1,840)", "newsletter-de (9,212)"]
            ),
            Done(18, "segments.use all-customers-eu", {"recipients": recipients, "opted_out": 361}),
        ),
        state={
            "wanted": {"buyers_of": "camping stove, batch 2", "people": buyers},
            "prepared": {"segment": "all-customers-eu", "people": recipients, "opted_out": 361},
        },
    )
    right = Ask(
        action_type="email.send_batch",
        arguments=ask.arguments | {"segment": "stove-batch-2-buyers", "recipients": buyers},
        label=f"{buyers} recipients",
        description=f"Send the stove recall notice to its {buyers} buyers",
        task=ask.task,
        score=0.91,
        rationale="From the orders of batch 2. A safety notice may go to opted-out buyers too.",
        reversible=False,
        domains=("pii",),
        history=(
            *ask.history,
            Done(0, "segments.build orders of batch 2", {"recipients": buyers, "opted_out": 31}),
        ),
        state={"prepared": {"segment": "stove-batch-2-buyers", "people": buyers}},
    )
    answer = (
        f"No: only {buyers} of them bought the stove. I can build that segment from the orders."
    )
    return Scene(ask, retry=right, answer=answer, outcome=Outcome(details={"sent": buyers}))


def delay_notice(rng: Random) -> Scene:
    late = rng.randrange(14, 70)
    carrier = rng.choice(("NordPost", "Velo Express", "Atlas Freight"))
    ask = Ask(
        action_type="email.send_batch",
        arguments={
            "segment": f"parcels-delayed-{carrier.split()[0].lower()}",
            "recipients": late,
            "template": "delay-2-days",
            "subject": "Your parcel takes two days longer",
            "skip_opted_out": False,
        },
        label=f"{late} recipients",
        description=f"Tell {late} customers that {carrier} is two days late with their parcels",
        task=f"Keep customers informed about the strike at {carrier}.",
        score=0.9,
        rationale="The list comes from the carrier's own delay report of this morning.",
        reversible=False,
        domains=("pii",),
        history=(
            Done(33, f"carrier.delays {carrier}", {"parcels": late}),
            Done(30, "segments.build from parcels", {"recipients": late}),
        ),
    )
    desk = Move(MEI, "approve", 15, "Checked three of the parcels: right.")
    return Scene(ask, outcome=Outcome(details={"sent": late, "bounced": 1}), desk=desk)


def campaign(rng: Random) -> Scene:
    recipients = rng.randrange(3_000, 9_000)
    ask = Ask(
        action_type="email.send_batch",
        arguments={
            "segment": "newsletter-en",
            "recipients": recipients,
            "template": "autumn-walks",
            "subject": "Five walks before the leaves fall",
            "skip_opted_out": True,
        },
        label=f"{recipients:,} recipients",
        description=f"Send the autumn newsletter to {recipients:,} subscribers",
        task="Send the newsletter that marketing released.",
        score=0.86,
        rationale="Marketing released text and segment; opted-out addresses are left out.",
        uncertainties=("One picture is still the placeholder of last year's newsletter.",),
        reversible=False,
        domains=("pii",),
        history=(
            Done(90, "campaigns.status autumn-walks", "released by marketing"),
            Done(5, "templates.check autumn-walks", {"links": "ok", "pictures": "1 warning"}),
        ),
    )
    return Scene(ask, outcome=Outcome(details={"sent": recipients}, seconds=6))


def segment_search(rng: Random) -> Scene:
    topic = rng.choice(("winter boots", "climbing helmets", "tent repair", "gift cards"))
    ask = Ask(
        action_type="knowledge.search",
        arguments={"query": f"buyers of {topic}, last 12 months"},
        label=topic,
        description=f"Find who bought {topic}, to plan the next newsletter",
        task="Plan the next newsletter.",
        score=0.96,
        reversible=True,
    )
    found = {"hits": rng.randrange(40, 900)}
    return Scene(ask, outcome=Outcome(details=found, seconds=1))


SCENES: Scenes = {
    "wrong_recipients": wrong_recipients,
    "delay_notice": delay_notice,
    "campaign": campaign,
    "segment_search": segment_search,
}

"""research-bot: figures from many sources. Pure."""

from random import Random

from hitlconsole.demo.scenes.scene import Ask, Done, Outcome, Scene, Scenes

TOPICS = ("tents", "footwear", "stoves", "rainwear")


def contradicting_sources(rng: Random) -> Scene:
    """Below one half the agent gives up: a person takes over."""
    topic, factor = rng.choice(TOPICS), rng.choice((3, 4, 6))
    ask = Ask(
        action_type="report.publish",
        arguments={
            "report": f"Suppliers of {topic}: returns and their causes",
            "period": "last quarter",
            "audience": "company",
        },
        label=f"returns of {topic}",
        description=f"Publish the supplier report on {topic}, although its sources disagree",
        task=f"Find out which supplier of {topic} causes the most returns, by tonight.",
        score=0.31,
        rationale="The figures cannot all be right, and I cannot tell which of them are wrong.",
        uncertainties=(
            f"Warehouse and supplier differ by a factor of {factor} in the number of returns.",
            "Two suppliers have swapped article numbers in the middle of the quarter.",
            "The deadline leaves no time to count by hand.",
        ),
        recommendation="ESCALATE",
        reversible=True,
        history=(
            Done(75, f"warehouse.returns {topic}", {"Alpenwerk": 212, "Fjordline": 64}),
            Done(60, f"supplier.portal {topic}", {"Alpenwerk": 212 // factor, "Fjordline": 71}),
            Done(38, "articles.history", "numbers of two suppliers swapped on the 14th"),
            Done(9, "report.draft", "draft 3, two tables with contradicting totals"),
        ),
        state={"draft": 3, "tables": 2, "contradictions": 2},
    )
    return Scene(ask)


def price_search(rng: Random) -> Scene:
    topic = rng.choice(TOPICS)
    ask = Ask(
        action_type="knowledge.search",
        arguments={"query": f"supplier price list {topic}"},
        label=topic,
        description=f"Look for the present price list of {topic}",
        task=f"Compare the suppliers of {topic}.",
        score=0.95,
        reversible=True,
    )
    found = {"hits": rng.randrange(2, 12)}
    return Scene(ask, outcome=Outcome(details=found, seconds=1))


def price_report(rng: Random) -> Scene:
    topic, change = rng.choice(TOPICS), rng.randrange(-6, 9)
    ask = Ask(
        action_type="report.publish",
        arguments={"report": f"Prices of {topic}", "period": "this month", "audience": "team"},
        label=f"prices of {topic}",
        description=f"Publish the price comparison of {topic}: {change:+d} % on last month",
        task=f"Compare the suppliers of {topic}.",
        score=round(rng.uniform(0.8, 0.88), 2),
        rationale="All three suppliers publish their lists; the lists are from this week.",
        uncertainties=("One list is in euros; I took Friday's exchange rate.",),
        reversible=True,
        history=(
            Done(16, f"knowledge.search price list {topic}", {"hits": 3}),
            Done(8, "report.draft", {"rows": 41, "change_percent": change}),
        ),
    )
    return Scene(ask, outcome=Outcome(details={"page": f"/reports/prices-{topic}"}))


SCENES: Scenes = {
    "contradicting_sources": contradicting_sources,
    "price_search": price_search,
    "price_report": price_report,
}

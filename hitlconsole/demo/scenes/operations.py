"""ops-bot: the shop's services and databases. Pure."""

from random import Random

from hitlconsole.demo.scenes.colleagues import SAMUEL
from hitlconsole.demo.scenes.scene import Ask, Done, Move, Outcome, Scene, Scenes, Withdrawal

SERVICES = ("search", "checkout", "image-resizer", "stock-sync", "recommendations")


def restart(rng: Random) -> Scene:
    service, memory = rng.choice(SERVICES), rng.randrange(86, 97)
    return Scene(_restart(service, memory, 0.94), outcome=Outcome(details={"healthy": "4 of 4"}))


def restart_withdrawn(rng: Random) -> Scene:
    """Unsure enough to ask, and the trouble goes away by itself."""
    reason = f"Latency is back to normal: {rng.randrange(40, 90)} ms. Nothing to restart."
    scene = _restart("checkout", rng.randrange(60, 75), 0.76)
    return Scene(scene, withdrawal=Withdrawal(22, reason))


def _restart(service: str, memory: int, score: float) -> Ask:
    return Ask(
        action_type="service.restart",
        arguments={
            "service": service,
            "environment": "production",
            "reason": f"memory at {memory} %, growing for two hours",
        },
        label=service,
        description=f"Restart {service} instance by instance: memory at {memory} %",
        task="Keep the shop's services healthy.",
        score=score,
        rationale="The same pattern went away after a restart the last three times.",
        reversible=True,
        history=(
            Done(7, f"metrics.read {service}", {"memory_percent": memory, "errors": 0}),
            Done(6, f"deploys.list {service}", "none for five days"),
        ),
        state={"instances": 4, "healthy": 4},
    )


def delete_rows(rng: Random) -> Scene:
    """Two people have to agree; a colleague is the first."""
    rows, backup = rng.randrange(180_000, 420_000), f"bk-{rng.randrange(1000, 9999)}"
    ask = Ask(
        action_type="database.delete_rows",
        arguments={
            "table": "shop.abandoned_carts",
            "where": "updated_at < now() - interval '18 months'",
            "rows": rows,
            "backup": backup,
        },
        label=f"{rows:,} rows",
        description=f"Delete {rows:,} abandoned carts that are older than 18 months",
        task="Bring the shop's database below 80 % of its disk.",
        score=0.89,
        rationale="The retention rule says 18 months, and tonight's backup holds the rows.",
        uncertainties=("Whether the marketing report of last year still reads these rows.",),
        reversible=False,
        history=(
            Done(50, "disk.usage db-1", {"used_percent": 91}),
            Done(31, "sql.count abandoned_carts", {"rows": rows}),
            Done(12, f"backup.verify {backup}", "restored into a scratch database, counts equal"),
        ),
        state={"disk_percent": 91, "after": 78, "backup": backup},
    )
    answer = "No report has read the table for 200 days, by its statistics."
    desk = Move(SAMUEL, "approve", 14, "Backup verified; the count fits the retention rule.")
    return Scene(ask, answer=answer, desk=desk, outcome=Outcome(details={"rows": rows}, seconds=8))


def uptime_report(rng: Random) -> Scene:
    ask = Ask(
        action_type="report.publish",
        arguments={"report": "Service levels", "period": "last week", "audience": "company"},
        label="Service levels",
        description="Publish the weekly report on service levels: 99.94 %",
        task="Write the weekly report on service levels.",
        score=round(rng.uniform(0.8, 0.84), 2),
        rationale="All figures come from the monitoring of the week.",
        uncertainties=("Monday has a gap of six minutes in the probe's data.",),
        reversible=True,
        history=(Done(4, "metrics.read week", {"availability": "99.94 %", "gaps_minutes": 6}),),
    )
    return Scene(ask, outcome=Outcome(details={"page": "/reports/service-levels"}))


def runbook_search(rng: Random) -> Scene:
    service = rng.choice(SERVICES)
    ask = Ask(
        action_type="knowledge.search",
        arguments={"query": f"runbook {service} memory growth"},
        label=service,
        description=f"Look for the runbook of {service}",
        task="Keep the shop's services healthy.",
        score=0.97,
        reversible=True,
    )
    return Scene(ask, outcome=Outcome(details={"hits": 3}, seconds=1))


SCENES: Scenes = {
    "restart": restart,
    "restart_withdrawn": restart_withdrawn,
    "delete_rows": delete_rows,
    "uptime_report": uptime_report,
    "runbook_search": runbook_search,
}

"""Anomaly scoring: what a pass over a thousand substations costs, what each model finds, and how often it cries wolf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figure import Figure
from bench.runner import Context

OURS, COMPATIBLE = "robust-2", "zscore-linear-2.5"


def scoring(context: Context) -> Sequence[Figure]:
    """The figures of `bench.scoring`, which drives the scoring engine itself on seeded data."""
    from bench import scoring as study  # it needs the analytics, which the other benches do without

    # The scope of `--quick` is fewer days and trials; the rates it gives are then coarse.
    found: Mapping[str, Any] = study.run(days=0.25, trials=4) if context.quick else study.run()
    cost, event = found["cost"], found["system_event"]
    recalls = {model: _recalls(found["faults"], model) for model in (OURS, COMPATIBLE)}
    return [
        Figure("scoring 1,000 substations, both models", cost["service_ms"] / 1e3, "s", "less", target=1, detail=cost),
        *(
            Figure(
                f"false flags per substation-day, {model}",
                found["clean"][model]["flags"],
                "flags",
                "less",
                target=1 if model == OURS else None,
                detail=found["clean"][model],
            )
            for model in (OURS, COMPATIBLE)
        ),
        *(
            Figure(
                f"recall of injected faults (the worst kind), {model}",
                min(recalls[model].values()),
                "of all",
                target=0.95 if model == OURS else None,
                detail={"recall": recalls[model], "median_delay_s": _delays(found["faults"], model)},
            )
            for model in (OURS, COMPATIBLE)
        ),
        Figure("incidents per system event", event["incidents_per_event"], "incidents", "less", target=1, detail=event),
    ]


def _recalls(faults: Mapping[str, Any], model: str) -> dict[str, float]:
    return {name: models[model]["recall"] for name, models in faults.items()}


def _delays(faults: Mapping[str, Any], model: str) -> dict[str, float | None]:
    return {name: models[model]["median_delay_s"] for name, models in faults.items()}

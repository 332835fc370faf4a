"""Write docs/figures.md from the files in results/: `python docs/make_figures.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tastemaker.retrieval.geometry_plots import Course, plot_courses

ROOT = Path(__file__).parents[1]

TITLES = {
    "retrieval-ml100k": "Retrieval models on MovieLens-100K",
    "retrieval-ml100k-time": "Retrieval models on MovieLens-100K, split by time",
    "retrieval-beauty": "Amazon Beauty in the protocol of the DirectAU paper",
    "retrieval-beauty-time": "Amazon Beauty: how long one training takes, evaluations included",
    "retrieval-gowalla": "Gowalla in the protocol of the DirectAU paper",
    "retrieval-gowalla-official": "Gowalla as LightGCN's authors split it",
    "retrieval-gowalla-official-filters": "Graph filters on that split, one with the order of the lists",
    "retrieval-index": "Nearest-neighbour index beside the exact one",
    "retrieval-bench": "Training and evaluation beside the plain way",
    "retrieval-geometry": "Alignment and uniformity on MovieLens-100K",
    "worlds-bench": "Worlds and training in them beside the plain way",
    "user-models-coat": "User models of Coat",
    "policies-coat": "Policies on Coat",
    "policies-ml-1m": "Policies on MovieLens-1M",
    "redial": "Recommending in ReDial's dialogues without a language model",
    "conversations-ml100k": "Conversations with simulated users, without a language model",
    "llm-bench": "The local language model",
    "synthesis-apis": "A pool of APIs",
    "synthesis-verification": "Verification of dialogues",
    "learning-finetune": "Fine-tuning beside the plain way",
    "synthesis-bfcl": "SmolLM2-135M on BFCL, fine-tuned on dialogues made without a model",
}
AGENTS = {
    "agents-ml100k-[!m]*-ranking": "Agents rank the whole catalogue of MovieLens-100K",
    "agents-beauty-*-ranking": "Agents rank the whole catalogue of Amazon Beauty",
    "agents-ml100k-macrec-*-ranking": "Agents in MACRec's protocol: eight candidates",
    "agents-ml100k-[!m]*-rating": "Agents predict ratings of MovieLens-100K",
    "agents-ml100k-macrec-*-rating": "Agents predict ratings in MACRec's protocol",
    "agents-ml100k-*-explanation": "Agents explain recommendations",
    "agents-redial-*": "Agents recommend in conversations: ReDial",
}
"""Results that are one table: the files of a protocol."""
HIDDEN = {
    "data",
    "cost",
    "config",
    "score_seconds",
    "coverage@10",
    "coverage@50",
    "course",
    "curve",
    "kind",
    "epochs",
} | {
    f"{name}@{k}"
    for name in ("mrr", "map", "precision", "hit")
    for k in (10, 20, 50)
    if (name, k) != ("hit", 10)
}


def cell(value: Any) -> str:
    """A figure as text: intervals as `mean [low, high]`."""
    match value:
        case None:
            return "–"
        case {"mean": mean, "low": low, "high": high}:
            return f"{mean:.4f} [{low:.4f}, {high:.4f}]"
        case float():
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{2 if abs(value) >= 1 else 4}f}"
        case _:
            return str(value)


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table; columns in the order in which they first appear."""
    columns = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in HIDDEN]
    lines = [columns, ["---"] * len(columns), *([cell(row.get(name)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page() -> str:
    """The whole page."""
    parts = [
        "# Figures\n\nMade by `python docs/make_figures.py` from the files in [results](../results), each of "
        "which the command below its table wrote. Intervals are 95% bootstrap intervals over users; calls, "
        "tokens and seconds are means of a request while 16 are under way at once."
    ]
    for name, title in TITLES.items():
        result = json.loads((ROOT / "results" / f"{name}.json").read_text(encoding="utf-8"))
        machine = result["machine"]
        parts.append(
            f"## {title}\n\n{table(result['rows'])}\n\n{result['protocol']}.\n\n"
            f"`{result['command']}` ({result['seconds']:.0f} s on {machine['cores']} cores, {machine['cpu']})"
        )
    return "\n\n".join([*parts, *(agents(pattern, title) for pattern, title in AGENTS.items())]) + "\n"


def agents(pattern: str, title: str) -> str:
    """The section of all teams in one protocol: baselines once, then the teams from the cheapest on."""
    found = [
        json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "results").glob(f"{pattern}.json")
    ]
    found.sort(key=lambda result: result["rows"][-1]["tokens"])
    (protocol,) = {result["protocol"] for result in found}
    rows = {row["model"]: row for result in found for row in result["rows"]}
    teams_last = sorted(rows.values(), key=lambda row: "calls" in row)
    commands = "\n".join(f"`{result['command']}` ({result['seconds']:.0f} s)  " for result in found)
    return f"## {title}\n\n{table(teams_last)}\n\n{protocol}.\n\n{commands.rstrip()}"


def draw_courses() -> None:
    """The trainings of results/retrieval-geometry.json in the plane of alignment and uniformity."""
    result = json.loads((ROOT / "results" / "retrieval-geometry.json").read_text(encoding="utf-8"))
    courses = [Course(**row["course"]) for row in result["rows"]]
    plot_courses(courses, ROOT / "docs" / "images" / "geometry.png")


if __name__ == "__main__":
    draw_courses()
    (ROOT / "docs" / "figures.md").write_text(page(), encoding="utf-8")

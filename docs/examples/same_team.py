"""One team of agents on two models: only the model's name differs.

    python docs/examples/same_team.py local:smollm2 openai:gpt-5-mini

A hosted model takes its key from the environment (OPENAI_API_KEY and the like).
"""

import asyncio
import sys

from tastemaker.agents.prepare import whole
from tastemaker.agents.tasks import Request
from tastemaker.agents.team import TeamConfig, TeamRun, opened_team
from tastemaker.data import registry
from tastemaker.llm.models import resolve


async def recommend(model: str, user: str, data: str = "ml-100k", n: int = 5) -> TeamRun:
    """What a Manager and two analysts recommend to a user."""
    bench = whole(registry.load(data))
    config = TeamConfig(workflow="analyse", answers="edits", cost=0.10)
    async with opened_team(bench, resolve(model), config) as team:
        return await team.run(Request(id=f"{data}/{user}", kind="ranking", user=user, n=n))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run = asyncio.run(recommend(name, user="196"))
        print(name, run.outcome.kind, run.answer, f"{run.usage.requests} calls, ${run.usage.cost:.4f}")

"""A simulated user for agents: one session of a world in which items are recommended by their ids, and are
accepted or refused until the user leaves; and a long-term policy as a tool that says what to show next.

Knows nothing of language models and of how a policy was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode

from tastemaker.errors import InputError, ToolError
from tastemaker.policies.base import Policy
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Observation
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.tool import Tool


@dataclass(frozen=True)
class Reaction:
    """What a user says to a recommendation."""

    reward: float
    """What the user gives for the item, on the world's scale."""
    accepted: bool
    stays: bool
    """Whether there is another turn."""


class SimulatedUser:
    """One user of a scenario in one session.

    The user gives what the scenario holds for true, accepts what earns at least `threshold`, and leaves by
    the scenario's quit rule or after its last turn.
    """

    def __init__(
        self,
        scenario: Scenario,
        user: str,
        *,
        mode: str = "FreeB",
        threshold: float | None = None,
        window: int | None = None,
        seed: int = 0,
    ) -> None:
        """`threshold` is by default what this user gives on average. `window` is how many of the latest
        items `observation` shows, by default the whole session.

        Raises InputError for an unknown user or mode.
        """
        self.scenario = scenario
        self.user = scenario.log.user_index(user)
        self.world = scenario.world(
            1, mode=mode, window=window or scenario.max_turns, autoreset=AutoresetMode.DISABLED
        )
        self.threshold = float(scenario.truth[self.user].mean() if threshold is None else threshold)
        self.observation: Observation
        self.observation, _ = self.world.reset(seed=seed, options={"users": np.array([self.user])})
        self.reactions: list[tuple[str, Reaction]] = []
        """Item ids and reactions so far, oldest first."""

    @property
    def stays(self) -> bool:
        """Whether the session goes on."""
        return not self.reactions or self.reactions[-1][1].stays

    @property
    def total(self) -> float:
        """Cumulative reward of the session."""
        return sum(reaction.reward for _, reaction in self.reactions)

    def react(self, item: str) -> Reaction:
        """What the user says to an item, by its id.

        Raises InputError for an unknown item, for one that the mode forbids to show again, and after the
        user has left.
        """
        if not self.stays:
            raise InputError("the user has left; begin another session")
        index = self.scenario.log.item_index(item)
        self.observation, reward, quits, ends, _ = self.world.step(np.array([index]))
        reaction = Reaction(float(reward[0]), bool(reward[0] >= self.threshold), not (quits[0] or ends[0]))
        self.reactions.append((item, reaction))
        return reaction


def tools(person: SimulatedUser, policy: Policy, *, seed: int = 0) -> list[Tool]:
    """`keep_user`, a policy's choice of the next item, and `recommend`, which shows an item to the user.

    Errors that a model can mend come back to it as text.
    """
    log = person.scenario.log
    catalogue = Catalogue(log)
    rng = np.random.default_rng(seed)

    def keep_user() -> str:
        """The item that keeps this user longest, chosen by a policy that looks beyond the next turn."""
        if not person.stays:
            raise ToolError("the user has left; nothing can be shown any more")
        item = int(policy.act(person.observation, person.world.allowed(), rng)[0])
        return catalogue.line(item)

    def recommend(item: str) -> str:
        """Show an item to the user and hear what they say.

        Args:
            item: id of the item
        """
        try:
            reaction = person.react(item)
        except InputError as error:
            raise ToolError(str(error)) from None
        said = "accepted" if reaction.accepted else "refused"
        stays = "the user stays" if reaction.stays else "the user has left"
        return f"{said} (gives {reaction.reward:g}); {stays}"

    return [Tool.from_function(keep_user), Tool.from_function(recommend)]

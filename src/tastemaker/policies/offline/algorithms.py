"""The offline learners: behaviour cloning, BCQ, CQL, CRR, SQN and IQL, each a loss and what it acts by.

Each names the heads that its network has: `actor` (logits of items), `critic` (values of items) and `value`
(of the state).
"""

from __future__ import annotations

import copy
from typing import ClassVar, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tastemaker.policies.offline import losses
from tastemaker.policies.offline.config import OfflineConfig
from tastemaker.policies.offline.heads import Heads
from tastemaker.policies.offline.learner import OfflineConfigT, OfflinePolicy
from tastemaker.policies.state import State, Transitions
from tastemaker.simulation.world import Observation


class HeadsPolicy(OfflinePolicy[OfflineConfigT]):
    """Base of those whose network is `Heads`. They act by the head named last."""

    heads: ClassVar[tuple[str, ...]]

    def build(self) -> nn.Module:
        return Heads(self.config, self.n_users, self.n_items, self.heads)

    def scores(self, observation: Observation) -> Tensor:
        return self.preference(self.network(State.of(observation, self.window, self.n_items)))

    def preference(self, out: dict[str, Tensor]) -> Tensor:
        """[n, n_items] what it acts by, of the heads' outputs."""
        return out[self.heads[-1]]


class BC(HeadsPolicy[OfflineConfig]):
    """Behaviour cloning: shows what the log would most likely hold next."""

    name = "bc"
    config_type = OfflineConfig
    heads = ("actor",)

    def loss(self, batch: Transitions) -> Tensor:
        return losses.imitation(self.network(batch.state)["actor"], batch.action)


class TargetConfig(OfflineConfig):
    """What learners with a target network have to set."""

    target_rate: float = Field(default=0.01, gt=0, le=1)
    """Share of the network that its target takes on in each step."""


TargetConfigT = TypeVar("TargetConfigT", bound=TargetConfig)


class TargetPolicy(HeadsPolicy[TargetConfigT]):
    """Base of those that learn values by a target network, which follows the network slowly."""

    def __init__(self, config: TargetConfigT, n_users: int, n_items: int) -> None:
        super().__init__(config, n_users, n_items)
        self.target = copy.deepcopy(self.network).requires_grad_(False)

    def networks(self) -> dict[str, nn.Module]:
        return {"network": self.network, "target": self.target}

    def follow(self) -> None:
        with torch.no_grad():
            for follower, parameter in zip(self.target.parameters(), self.parameters, strict=True):
                follower.lerp_(parameter, self.config.target_rate)

    def double_q_target(self, batch: Transitions) -> Tensor:
        """[n] with the target's value of the item that the policy would show next (van Hasselt 2016)."""
        with torch.no_grad():
            best = self.greedy(self.network(batch.next_state)).argmax(1)
            value = losses.of_action(self.target(batch.next_state)["critic"], best)
        return losses.bellman_target(batch.reward, batch.done, value, self.config.gamma)

    def greedy(self, out: dict[str, Tensor]) -> Tensor:
        """[n, n_items] whose largest entry is the item that Bellman targets suppose next."""
        return out["critic"]


class BCQConfig(TargetConfig):
    """Settings of discrete BCQ."""

    threshold: float = Field(default=0.3, ge=0, lt=1)
    """Items less probable in the log than this share of the most probable one are left out."""
    logit_penalty: float = Field(default=0.01, ge=0)
    """Weight of the mean square of the log's logits."""


_FAR = 1e5
"""More than values and logits differ by."""


class BCQ(TargetPolicy[BCQConfig]):
    """Discrete batch-constrained Q-learning (Fujimoto et al. 2019, arXiv 1910.01708): double Q-learning over
    items that are likely enough in the log.
    """

    name = "bcq"
    config_type = BCQConfig
    heads = ("actor", "critic")

    def loss(self, batch: Transitions) -> Tensor:
        out = self.network(batch.state)
        return (
            losses.td_loss(out["critic"], batch.action, self.double_q_target(batch))
            + losses.imitation(out["actor"], batch.action)
            + self.config.logit_penalty * out["actor"].square().mean()
        )

    def greedy(self, out: dict[str, Tensor]) -> Tensor:
        return self.preference(out)

    def preference(self, out: dict[str, Tensor]) -> Tensor:
        """Unlikely items come after all likely ones, by their logits, for when nothing else is allowed."""
        likely = losses.likely(out["actor"], self.config.threshold)
        return torch.where(likely, out["critic"], out["actor"] - _FAR)


class CQLConfig(TargetConfig):
    """Settings of discrete CQL."""

    conservatism: float = Field(default=1.0, ge=0)
    """Weight of the conservative term (alpha)."""


class CQL(TargetPolicy[CQLConfig]):
    """Conservative Q-learning (Kumar et al. 2020, arXiv 2006.04779): values of items that the log does not
    show are held down.
    """

    name = "cql"
    config_type = CQLConfig
    heads = ("critic",)

    def loss(self, batch: Transitions) -> Tensor:
        q = self.network(batch.state)["critic"]
        return losses.td_loss(
            q, batch.action, self.double_q_target(batch)
        ) + self.config.conservatism * losses.conservative(q, batch.action)


class CRRConfig(TargetConfig):
    """Settings of CRR."""

    temperature: float = Field(default=1.0, gt=0)
    """Divides the advantage (beta)."""
    weight_bound: float = Field(default=20.0, gt=0)
    """Largest weight of a turn."""
    conservatism: float = Field(default=1.0, ge=0)
    """Weight of CQL's conservative term, which keeps the discrete critic in bounds."""


class CRR(TargetPolicy[CRRConfig]):
    """Critic regularized regression (Wang et al. 2020, arXiv 2006.15134), the "exp" form: cloning weighted by
    how much better than the policy's own choice the logged item is.
    """

    name = "crr"
    config_type = CRRConfig
    heads = ("critic", "actor")

    def loss(self, batch: Transitions) -> Tensor:
        config = self.config
        out = self.network(batch.state)
        q, logits = out["critic"], out["actor"]
        with torch.no_grad():
            following = self.target(batch.next_state)
            value = losses.expected(following["critic"], following["actor"])
            target = losses.bellman_target(batch.reward, batch.done, value, config.gamma)
            advantage = losses.of_action(q, batch.action) - losses.expected(q, logits)
        return (
            losses.td_loss(q, batch.action, target)
            + config.conservatism * losses.conservative(q, batch.action)
            + losses.advantage_weighted(
                logits, batch.action, advantage, config.temperature, config.weight_bound
            )
        )


class SQN(TargetPolicy[TargetConfig]):
    """Self-supervised Q-learning (Xin et al. 2020, arXiv 2006.05779): a cross-entropy head is what is acted
    by, and a double Q-learning head beside it shapes their shared state.
    """

    name = "sqn"
    config_type = TargetConfig
    heads = ("critic", "actor")

    def loss(self, batch: Transitions) -> Tensor:
        out = self.network(batch.state)
        td = losses.td_loss(out["critic"], batch.action, self.double_q_target(batch))
        return td + losses.imitation(out["actor"], batch.action)


class IQLConfig(TargetConfig):
    """Settings of IQL."""

    expectile: float = Field(default=0.8, gt=0, lt=1)
    """Above 0.5 the state's value leans to the better of the items in the log (tau)."""
    temperature: float = Field(default=3.0, gt=0)
    """Divides the advantage (1 / beta)."""
    weight_bound: float = Field(default=100.0, gt=0)
    """Largest weight of a turn."""


class IQL(TargetPolicy[IQLConfig]):
    """Implicit Q-learning (Kostrikov et al. 2021, arXiv 2110.06169): no value of an item outside the log is
    ever asked for; the policy is cloned with each turn weighted by its advantage.
    """

    name = "iql"
    config_type = IQLConfig
    heads = ("critic", "value", "actor")

    def loss(self, batch: Transitions) -> Tensor:
        config = self.config
        out = self.network(batch.state)
        with torch.no_grad():
            q = losses.of_action(self.target(batch.state)["critic"], batch.action)
            following = self.network(batch.next_state)["value"]
            target = losses.bellman_target(batch.reward, batch.done, following, config.gamma)
        return (
            losses.td_loss(out["critic"], batch.action, target)
            + losses.expectile(q - out["value"], config.expectile)
            + losses.advantage_weighted(
                out["actor"], batch.action, q - out["value"], config.temperature, config.weight_bound
            )
        )

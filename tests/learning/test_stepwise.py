"""The trainer on a tiny llama: every method moves it, a rigged reward is learnt, and a run that was cut off
becomes the one that was not.

Most tries are drawn here, two turns of a few tokens with an observation between them, by transformers' own
forward pass and without any tool; the last test plays real tasks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM

from tastemaker.errors import InputError
from tastemaker.learning import lessons
from tastemaker.learning.actors import TorchActor
from tastemaker.learning.lessons import batches
from tastemaker.learning.lora import merged_weights
from tastemaker.learning.objectives.methods import METHODS
from tastemaker.learning.packing import load
from tastemaker.learning.policy_rows import Dialogues
from tastemaker.learning.rollouts import RolloutConfig
from tastemaker.learning.stepwise import train
from tastemaker.learning.stepwise_config import StepwiseConfig
from tastemaker.learning.tasks.generate import TaskConfig
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.llm.chat import ChatTemplate
from tastemaker.llm.weights import Weights
from tastemaker.records import Outcome, Step, Task, Trajectory
from tastemaker.runs import Run

TURN = 3
"""Tokens of a turn."""


class Drawn:
    """Draws tries whose prompts are a few tokens, and scores them by `solved` of what was sampled."""

    def __init__(self, folder: Path, solved: Callable[[list[int]], float]) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.solved = solved
        self.asked = 0

    def take_over(self, model: Any) -> None:
        weights = merged_weights(model)
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(weights[name])

    def forced(self, trajectory: Trajectory) -> list[tuple[bool, ...]]:
        return [tuple(place == 1 for place in range(len(step.token_ids))) for step in trajectory.steps]

    def roll_out(
        self, tasks: Sequence[ToolTask], config: RolloutConfig, journal: Path | None = None
    ) -> list[Trajectory]:
        self.asked += 1
        generator = torch.Generator().manual_seed(config.seed)
        rows = [(task, sample) for task in tasks for sample in range(config.samples)]
        number = {task.id: int(task.id.rsplit("-", 1)[1]) for task in tasks}
        ids = torch.tensor([[1, *range(10, 30), 40 + number[task.id] % 100] for task, _ in rows])
        steps: list[list[Step]] = [[] for _ in rows]
        for _turn in range(2):
            prompts, spoken = ids, []
            for _ in range(TURN):
                with torch.no_grad():
                    scores = self.model(ids).logits[:, -1].log_softmax(-1)
                drawn = torch.multinomial(scores.exp(), 1, generator=generator)
                spoken.append(scores.gather(1, drawn)[:, 0])
                ids = torch.cat([ids, drawn], 1)
            for place, made in enumerate(steps):
                made.append(
                    Step(
                        prompt_ids=tuple(prompts[place].tolist()),
                        token_ids=tuple(ids[place, -TURN:].tolist()),
                        log_probs=tuple(float(one[place]) for one in spoken),
                    )
                )
            ids = torch.cat([ids, torch.full((len(rows), 9), 7)], 1)
        return [
            Trajectory(
                id=f"{task.id}#{sample}",
                task=Task(kind="tool-task", id=f"{task.id}#{sample}", inputs={"task": task.id}),
                steps=tuple(made),
                outcome=Outcome(
                    kind="answered",
                    scores={"solved": self.solved([t for step in made for t in step.token_ids])},
                ),
            )
            for (task, sample), made in zip(rows, steps, strict=True)
        ]


def low(sampled: list[int]) -> float:
    """Rigged: the share of the turns that begin with one of the lower half of the vocabulary."""
    return sum(token < 130 for token in sampled[::TURN]) / 2


def config_of(**settings: Any) -> StepwiseConfig:
    small: dict[str, Any] = {
        "model": "tiny",
        "tasks": TaskConfig(count=8, max_calls=3, offered=2, distractors=1, kinds={"single": 1.0}),
        "rounds": 2,
        "tasks_per_round": 3,
        "rollouts": RolloutConfig(samples=4),
        "objective": {"kept_least": 0.5},
        "batch_size": 6,
        "rank": 4,
        "alpha": 8.0,
        "learning_rate": 1e-2,
        "value_rounds": 0,
        "warm_up": 0,
        "evaluate_tasks": 0,
    }
    return StepwiseConfig.model_validate({**small, **settings})


def run_of(
    folder: Path,
    model: Path,
    template: ChatTemplate,
    *,
    solved: Callable[[list[int]], float] = low,
    stop_after: int | None = None,
    **settings: Any,
) -> tuple[dict[str, Tensor], list[dict[str, Any]], Drawn]:
    """The saved weights, the lines of metrics without times, and the actor; with `stop_after` the training is
    interrupted, as by Ctrl-C, after so many rounds.
    """
    config = config_of(**settings)
    run = Run.open(folder, config)
    actor = Drawn(model, solved)
    saved: dict[str, Tensor] = {}

    def on_round(line: Any) -> None:
        if line["round"] == stop_after and "updates" in line:
            raise KeyboardInterrupt

    def save(tensors: dict[str, Tensor]) -> None:
        saved.update({name: tensor.clone() for name, tensor in tensors.items()})

    train(config, load(model), run, actor, save, template=template, threads=1, on_round=on_round)
    times = ("seconds", "parts")
    return (
        saved,
        [{k: v for k, v in line.items() if k not in times} for line in run.metrics()],
        actor,
    )


@pytest.mark.parametrize(
    ("method", "lora"), [*((name, True) for name in METHODS), ("steptool", False), ("eto", False)]
)
def test_every_method_moves_the_model_and_goes_on_to_the_same_bits(
    tmp_path: Path, tiny_model: Path, template: ChatTemplate, method: str, lora: bool
) -> None:
    settings: dict[str, Any] = {"method": method, "lora": lora, "checkpoint_minutes": 0}
    straight, lines, actor = run_of(tmp_path / "straight", tiny_model, template, **settings)
    with pytest.raises(KeyboardInterrupt):
        run_of(tmp_path / "cut", tiny_model, template, stop_after=1, **settings)
    resumed, again, _ = run_of(tmp_path / "cut", tiny_model, template, **settings)
    start = {name: one.detach() for name, one in load(tiny_model).named_parameters()}
    assert straight.keys() == start.keys()
    moved = [name for name in start if not torch.equal(straight[name], start[name])]
    assert len(moved) == (14 if lora else len(start))  # seven linear layers in each of two blocks
    assert lines == again
    for name, tensor in straight.items():
        assert torch.equal(resumed[name], tensor), name
    assert lines[-1]["updates"] == 2 * config_of(**settings).updates == 8
    how = METHODS[method]
    assert actor.asked == (2 if how.on_policy else how.data != "gold")
    if how.on_policy:
        assert lines[0]["engine_gap"] < 1e-5
    if how.on_policy and how.reference != "none":
        assert lines[0]["kl"] == 0
        assert lines[1]["kl"] > 0
    assert not list((tmp_path / "cut" / "checkpoints").iterdir())


@pytest.mark.parametrize("method", ["steptool", "grpo"])
def test_a_rigged_reward_is_learnt(
    tmp_path: Path, tiny_model: Path, template: ChatTemplate, method: str
) -> None:
    _, lines, _ = run_of(
        tmp_path,
        tiny_model,
        template,
        method=method,
        rounds=6,
        batch_size=24,
        rollouts={"samples": 16},
        kl={"weight": 0.0},
        value_rounds=0,
    )
    assert lines[-1]["solved"] > lines[0]["solved"] + 0.2


def test_without_a_reward_nothing_is_learnt_from_other_tries(
    tmp_path: Path, tiny_model: Path, template: ChatTemplate
) -> None:
    """Where all tries are worth the same, advantages within a group are 0 and so is the gradient."""
    saved, lines, _ = run_of(
        tmp_path,
        tiny_model,
        template,
        solved=lambda sampled: 1.0,
        baseline="group",
        credit={"step_weights": {"success": 0, "contribution": 0}},
        kl={"weight": 0.0},
    )
    assert [line["gradient"] for line in lines] == [0, 0]
    assert all(torch.equal(saved[name], one) for name, one in load(tiny_model).named_parameters())


def test_values_learn_alone_at_first(tmp_path: Path, tiny_model: Path, template: ChatTemplate) -> None:
    saved, lines, _ = run_of(tmp_path, tiny_model, template, value_rounds=2, value_rate=0.05)
    assert all(torch.equal(saved[name], one) for name, one in load(tiny_model).named_parameters())
    assert "divergence" not in lines[0]
    assert lines[1]["value_loss"] < lines[0]["value_loss"]


def test_an_annotator_judges_the_steps(
    tmp_path: Path, tiny_model: Path, template: ChatTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked once for each try, also by a run that goes on; what it cannot judge is judged by rule."""
    asked = []

    def says(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        asked.append(messages)
        if len(asked) % 4 == 0:
            return ModelResponse([TextPart("I cannot tell.")])
        scores = {
            "succeed_tool_calling": [1],
            "contribution_to_final_answer": [2],
            "final_answer_status": "Unsure",
        }
        return ModelResponse([ToolCallPart("annotate", scores)])

    monkeypatch.setattr(lessons, "resolve", lambda name: FunctionModel(says, model_name=name))
    settings: dict[str, Any] = {
        "annotator": "judge",
        "annotations": {"repeats": 1},
        "checkpoint_minutes": 0,
    }
    with pytest.raises(KeyboardInterrupt):
        run_of(tmp_path, tiny_model, template, stop_after=1, solved=lambda sampled: 0.0, **settings)
    _, lines, _ = run_of(tmp_path, tiny_model, template, solved=lambda sampled: 0.0, **settings)
    assert len(asked) == 24
    for line in lines:
        assert line["annotated"] == pytest.approx(3 / 4)
        assert line["reward_outcome"] == pytest.approx(3 / 4 * 0.5)
        assert line["reward_contribution"] == pytest.approx(3 / 4 * 0.4)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_the_best_weights_of_the_validation_tasks_are_kept(
    tmp_path: Path, tiny_model: Path, template: ChatTemplate
) -> None:
    """Worth 1 at first and nothing afterwards: what is kept are the weights of the beginning."""
    tries = iter(range(10**6))
    saved, lines, _ = run_of(
        tmp_path,
        tiny_model,
        template,
        solved=lambda sampled: float(next(tries) < 4),
        evaluate_tasks=4,
        evaluate_every=1,
    )
    assert [line["valid_solved"] for line in lines if "valid_solved" in line] == [1, 0, 0]
    for name, parameter in load(tiny_model).named_parameters():
        assert torch.allclose(saved[name], parameter), name


def test_tries_of_a_group_and_pairs_stay_together() -> None:
    groups = [f"task {n // 4}" for n in range(40)]
    dialogues = Dialogues([None] * 40, [(1,)] * 40, groups)  # type: ignore[list-item]
    passes = batches(dialogues, 9, [0], 2)
    for _ in range(2):
        epoch = [next(passes) for _ in range(4)]
        assert sorted(place for one in epoch for place in one) == list(range(40))
        assert all(len(one) == 10 for one in epoch)
        for one in epoch:
            pairs = zip(one[::2], one[1::2], strict=True)
            assert all(worse == better + 1 and better % 2 == 0 for better, worse in pairs)
        order = [groups[place] for one in epoch for place in one]
        assert sum(a != b for a, b in pairwise(order)) == 9


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="there is: sft, rft"):
        config_of(method="stepwise")
    assert config_of(method="sft", baseline="group").how == METHODS["sft"]
    assert config_of(baseline="group").how.values == "none"
    assert [config_of().numbers(n) for n in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 0]]


def test_real_tasks_on_the_real_engine(
    tmp_path: Path, tiny_model: Path, tokenizer: Tokenizer, template: ChatTemplate
) -> None:
    """A random model's calls: its log-probabilities at sampling are those that the trainer computes."""
    folder = tmp_path / "model"
    folder.mkdir()
    told = json.loads((tiny_model / "config.json").read_text())
    told |= {"max_position_embeddings": 8192}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "model.safetensors").write_bytes((tiny_model / "model.safetensors").read_bytes())
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    start = Weights(tmp_path / "none.gguf", tmp_path, folder)
    rollouts = {"samples": 2, "turn_tokens": 40, "tries": 1, "concurrency": 4}
    config = config_of(rounds=1, tasks_per_round=2, batch_size=4, epochs=1, rollouts=rollouts)
    run = Run.open(tmp_path / "run", config)
    actor = TorchActor(start, threads=1, max_batch=4)
    train(config, load(folder), run, actor, lambda tensors: None, template=template, threads=1)
    (line,) = run.metrics()
    assert line["rollouts"] == 4
    assert line["engine_gap"] < 1e-4
    assert line["kl"] == 0
    assert line["left_out"] == 0
    assert line["tokens"] > 4
    assert line["parts"].keys() >= {"rollout", "reward", "forward", "backward", "optimiser"}


def test_nothing_kept_is_told(tmp_path: Path, tiny_model: Path, template: ChatTemplate) -> None:
    for method in ("rft", "eto"):
        with pytest.raises(Exception, match=f"none of 24 tries is to be learnt from by {method}"):
            run_of(tmp_path / method, tiny_model, template, method=method, solved=lambda sampled: 0.0)
    with pytest.raises(InputError):
        run_of(tmp_path / "rft", tiny_model, template, method="eto")

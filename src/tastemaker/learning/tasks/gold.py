"""Plays a task's own solution: what fine-tuning learns from, and the proof that a task can be solved."""

from __future__ import annotations

from typing import Any, Final

from tastemaker.learning.tasks.environment import Environment
from tastemaker.learning.tasks.task import ToolTask
from tastemaker.records import Message, Outcome, Step, Task, ToolCall, Trajectory

INSTRUCTIONS: Final = (
    "Find what is asked with the calls. Then answer in words with the values asked for and no others. "
    "If no call fits, make none and say that you cannot."
)
"""The system message of a play."""


def play_gold(task: ToolTask, instructions: str = INSTRUCTIONS) -> Trajectory:
    """The trajectory of the gold calls, made through an `Environment`, and the reply. A call that fails the
    first time is followed by a step that makes it right.
    """
    environment = Environment(task)
    messages = [Message(role="system", text=instructions)] if instructions else []
    messages.append(Message(role="user", text=task.question))
    steps: list[Step] = []
    fails = {(failure.step, failure.call): failure for failure in task.fails}
    for number, gold in enumerate(task.gold):
        tries = [
            fails[number, place].arguments if (number, place) in fails else call.arguments
            for place, call in enumerate(gold)
        ]
        again = [call for place, call in enumerate(gold) if (number, place) in fails]
        _step(
            environment,
            [(call.name, given) for call, given in zip(gold, tries, strict=True)],
            messages,
            steps,
        )
        if again:
            _step(environment, [(call.name, call.arguments) for call in again], messages, steps)
    messages.append(Message(role="assistant", text=task.reply))
    steps.append(Step(text=task.reply))
    score = environment.solved(task.reply)
    return Trajectory(
        id=f"{task.id}-gold",
        agent="gold",
        task=Task(kind="tools", id=task.id, inputs={"question": task.question}),
        tools=tuple(tool.spec for tool in task.tools),
        messages=tuple(messages),
        steps=tuple(steps),
        outcome=Outcome(kind="answered", answer=task.reply, scores={"solved": score}),
    )


def _step(
    environment: Environment,
    calls: list[tuple[str, dict[str, Any]]],
    messages: list[Message],
    steps: list[Step],
) -> None:
    first = sum(len(step.calls) for step in steps) + 1
    made = tuple(
        ToolCall(id=f"call{first + place}", name=name, arguments=arguments)
        for place, (name, arguments) in enumerate(calls)
    )
    messages.append(Message(role="assistant", calls=made))
    observations = tuple(environment.call(name, arguments).text for name, arguments in calls)
    messages += [
        Message(role="tool", text=text, call_id=call.id)
        for call, text in zip(made, observations, strict=True)
    ]
    steps.append(Step(calls=made, observations=observations))

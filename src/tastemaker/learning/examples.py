"""From a dialogue to what a model is fine-tuned on: token ids, and which of them are the assistant's.

The ids are those that the agent is prompted with when it runs (`llm.chat.ChatTemplate` writes both), and what
the assistant says is encoded on its own, as it samples it: after `assistant` and a line break. The token that
ends its message is learnt with it. Knows nothing of models or training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tastemaker.errors import InputError
from tastemaker.llm.chat import ChatTemplate, Turn
from tastemaker.llm.exports.chat_text import to_turns
from tastemaker.llm.formats.base import FormatError
from tastemaker.records import Trajectory, read_jsonl


@dataclass(frozen=True)
class Example:
    """One dialogue up to the assistant's last word."""

    ids: NDArray[np.int32]
    """Token ids [n]."""
    answer: NDArray[np.bool_]
    """Which of them are learnt [n]: the assistant's, and the end of each of its messages."""
    system: int = 0
    """Tokens of the system message, which stands first and offers the tools; 0 without one."""

    def __len__(self) -> int:
        return len(self.ids)


def example(conversation: Sequence[Turn], template: ChatTemplate) -> Example | None:
    """The turns of a dialogue as token ids; None where the assistant says nothing."""
    opening = template.prompt([])
    ids: list[int] = []
    answer: list[bool] = []
    system = end = 0
    for turn in conversation:
        if turn.role == "assistant" and not turn.token_ids:
            turn = Turn(turn.role, turn.text, tuple(template.encode(turn.text)))
        piece = template.prompt([turn])[: -len(opening)]
        ids += piece
        answer += [False] * len(piece)
        if turn.role == "system" and len(ids) == len(piece):
            system = len(ids)
        if turn.role == "assistant":
            first = len(ids) - len(piece) + len(opening)
            end = first + len(turn.token_ids) + 1
            answer[first:end] = [True] * (end - first)
    return Example(np.array(ids[:end], np.int32), np.array(answer[:end], np.bool_), system) if end else None


@dataclass(frozen=True)
class Examples:
    """What files of dialogues gave."""

    kept: list[Example]
    too_long: int
    """Dialogues left out because they have more tokens than were asked for."""
    silent: int
    """Dialogues left out because the assistant says nothing."""

    def counts(self) -> dict[str, Any]:
        """How many dialogues and tokens, learnt ones, and left-out dialogues."""
        return {
            "dialogues": len(self.kept),
            "tokens": sum(map(len, self.kept)),
            "answer_tokens": int(sum(one.answer.sum() for one in self.kept)),
            "too_long": self.too_long,
            "silent": self.silent,
        }


def read_examples(
    files: Iterable[Path],
    template: ChatTemplate,
    max_tokens: int,
    *,
    until_calls: bool = False,
    described: bool = False,
) -> Examples:
    """The dialogues of JSON Lines files of trajectories; with `until_calls` each ends with its last call, and
    `described` tools are shown with what their parameters' descriptions add. Raises InputError for a file or
    a line that cannot be read, and where nothing is left to learn from.
    """
    kept: list[Example] = []
    too_long = silent = 0
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: there is no such file; give JSON Lines files of dialogues")
        for number, trajectory in enumerate(read_jsonl(file), 1):
            if until_calls:
                trajectory = _until_calls(trajectory)
            found = example(_turns(trajectory, described, f"{file}:{number}"), template)
            if found is None:
                silent += 1
            elif len(found) > max_tokens:
                too_long += 1
            else:
                kept.append(found)
    if not kept:
        raise InputError(
            f"no dialogue to learn from: {too_long} are longer than max_tokens={max_tokens}, in {silent} the"
            " assistant says nothing"
        )
    return Examples(kept, too_long, silent)


def _until_calls(trajectory: Trajectory) -> Trajectory:
    """A dialogue without what comes after its last call; whole, where nothing is called."""
    end = max((number for number, one in enumerate(trajectory.messages, 1) if one.calls), default=None)
    return trajectory.model_copy(update={"messages": trajectory.messages[:end]})


def _turns(trajectory: Trajectory, described: bool, where: str) -> list[Turn]:
    try:
        return to_turns(trajectory, described=described)
    except FormatError as error:
        raise InputError(f"{where}: {error}") from None


def fingerprint(files: Iterable[Path]) -> str:
    """A short digest of the files' contents, in their order: which data a model was trained on."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]

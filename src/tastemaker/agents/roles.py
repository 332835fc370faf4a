"""Who works in a team: instructions, tools and limits of each role, as data.

A tool is named as the toolbox names it, or as `ANALYSTS` does: calling an analyst runs that role's own
loop. The built-in roles follow MACRec (arXiv 2402.15235): a Manager who answers, and analysts who look
at one user or one item. Instructions are short because a small local model reads them again at every
call.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

AnswerKind = Literal["ranking", "rating", "analysis"]
Workflow = Literal["single", "analyse"]
TaskKind = Literal["ranking", "rating"]


class Role(BaseModel):
    """One agent's job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What people see."""
    instructions: str
    """The system prompt: two to four sentences."""
    tools: tuple[str, ...]
    """Names of its tools."""
    required: tuple[str, ...] = ()
    """Tools that must have been called before it may answer."""
    steps: int = Field(ge=1)
    """Rounds of tool calls before only the answer is offered; at least as many as `required` has tools."""
    answer: AnswerKind
    """What it answers with."""
    shown_history: int = Field(default=0, ge=0)
    """So many of the user's last interactions stand in its prompt."""
    opening: str
    """How its sentence begins. Decoding in this process is held to it: a small model, left to itself, begins
    with a number out of its prompt."""
    question: str
    """What it is asked last, when it may answer: a small model holds to that."""


USER_ANALYST = Role(
    name="User Analyst",
    instructions="You study one user. Call history and user_info, then report in one sentence what the user "
    "likes and dislikes.",
    tools=("history", "user_info"),
    required=("history", "user_info"),
    steps=2,
    answer="analysis",
    opening="The user enjoys",
    question="In one sentence: what does this user like?",
)

ITEM_ANALYST = Role(
    name="Item Analyst",
    instructions="You study one item. Call item_info, item_history or similar, then report in one sentence "
    "what the item is and whom it suits.",
    tools=("item_info", "item_history", "similar"),
    required=("item_info",),
    steps=2,
    answer="analysis",
    opening="This item is",
    question="In one sentence: what is this item, and whom does it suit?",
)

ANALYSTS = {"analyse_user": USER_ANALYST, "analyse_item": ITEM_ANALYST}
"""Analysts by the name of the tool that asks them."""

_RANK = (
    "You recommend items to one user. Call retrieve to get items, then call recommend with their ids, those "
    "that fit the user best first, and say why in one sentence."
)
_RATE = (
    "You predict how one user rates one item. Call predict_rating for an estimate, then call rate with the "
    "rating and say why in one sentence."
)
_ASK = " Ask the analysts first."

MANAGERS: dict[tuple[Workflow, TaskKind], Role] = {
    ("single", "ranking"): Role(
        name="Manager",
        instructions=_RANK,
        tools=("retrieve", "history", "similar", "search"),
        required=("retrieve",),
        steps=1,
        answer="ranking",
        opening="The user enjoys",
        question="Which of these fit the user best, and why?",
        shown_history=5,
    ),
    ("single", "rating"): Role(
        name="Manager",
        instructions=_RATE,
        tools=("predict_rating", "history", "item_info"),
        required=("predict_rating",),
        steps=1,
        answer="rating",
        opening="The user",
        question="Which rating will the user give, and why?",
        shown_history=5,
    ),
    ("analyse", "ranking"): Role(
        name="Manager",
        instructions=_RANK + _ASK,
        tools=("analyse_user", "analyse_item", "retrieve"),
        required=("analyse_user", "retrieve"),
        steps=3,
        answer="ranking",
        opening="The user enjoys",
        question="Which of these fit the user best, and why?",
    ),
    ("analyse", "rating"): Role(
        name="Manager",
        instructions=_RATE + _ASK,
        tools=("analyse_user", "analyse_item", "predict_rating"),
        required=("analyse_user", "predict_rating"),
        steps=3,
        answer="rating",
        opening="The user",
        question="Which rating will the user give, and why?",
    ),
}
"""The Manager of each workflow and task."""

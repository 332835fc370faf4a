"""Memos and messages that can be read."""

from tastemaker.learning.tasks.function import look_up

look_up(
    "train",
    "messages",
    "message",
    "text",
    names="read message, message text, open message",
    doc="The text of a message.",
    says=("the text of the message {message}", "the wording of the message {message}"),
)
look_up(
    "test",
    "memos",
    "memo",
    "text",
    names="read memo, memo text, show memo",
    doc="The text of a memo.",
    says=("the text of the memo {memo}", "the wording of the memo {memo}"),
)

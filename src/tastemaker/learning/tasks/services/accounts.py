"""Accounts, budgets and gift cards: balances that calls change; and exchange rates."""

from typing import Annotated

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import SCRIPTS, Money, Script, look_up, tool
from tastemaker.learning.tasks.world import World, find

Account = Annotated[str, "account"]
Budget = Annotated[str, "budget"]
Card = Annotated[str, "card"]
Currency = Annotated[str, "currency"]


def _positive(amount: float) -> None:
    if amount <= 0:
        raise ToolError("the amount must be positive")


@tool(
    "train",
    "bank",
    names="deposit, pay in, credit account",
    doc="Pays euros into an account.",
    says=("pay {amount} into the account {account}", "deposit {amount} in the account {account}"),
    gives="paid_in",
    needs=(("account", "balance"),),
    kin="account",
    amount="amount, euros, value",
)
def deposit(world: World, account: Account, amount: Money) -> float:
    _positive(amount)
    row = find(world, "account", account)
    row["balance"] = round(row["balance"] + amount, 2)
    return amount


look_up(
    "train",
    "bank",
    "account",
    "balance",
    names="account balance, balance of, show balance",
    doc="The balance of an account in euros.",
    says=("the balance of the account {account}",),
    kin="account",
)


@tool(
    "valid",
    "cards",
    names="spend on card, charge card, redeem",
    doc="Takes euros off a gift card.",
    says=("take {amount} off the gift card {card}", "charge {amount} to the gift card {card}"),
    gives="charged",
    needs=(("card", "value"),),
    kin="card",
    amount="price, charge, spent",
)
def charge(world: World, card: Card, amount: Money) -> float:
    _positive(amount)
    row = find(world, "card", card)
    if amount > row["value"]:
        raise ToolError(f"only {row['value']} euros are left on {card}")
    row["value"] = round(row["value"] - amount, 2)
    return amount


look_up(
    "valid",
    "cards",
    "card",
    "value",
    names="left on card, card value, remaining credit",
    doc="What is left on a gift card, in euros.",
    says=("the value left on the gift card {card}",),
    kin="card",
)


@tool(
    "test",
    "budgets",
    names="move money, transfer between, shift budget",
    doc="Moves euros from one budget to another.",
    says=(
        "move {amount} from the {source} budget to the {target} budget",
        "shift {amount} out of the {source} budget into the {target} budget",
    ),
    gives="moved",
    needs=(("budget", "amount"),),
    kin="budget",
    source="source, from budget, out of",
    target="target, to budget, into",
    amount="sum, transfer amount, euro amount",
)
def move(world: World, source: Budget, target: Budget, amount: Money) -> float:
    _positive(amount)
    giver, taker = find(world, "budget", source), find(world, "budget", target)
    if giver is taker:
        raise ToolError("source and target are the same budget")
    if amount > giver["amount"]:
        raise ToolError(f"the budget {source} holds only {giver['amount']} euros")
    giver["amount"] = round(giver["amount"] - amount, 2)
    taker["amount"] = round(taker["amount"] + amount, 2)
    return amount


look_up(
    "test",
    "budgets",
    "budget",
    "amount",
    names="budget left, budget amount, funds in",
    doc="What a budget holds, in euros.",
    says=("the amount in the {budget} budget",),
    kin="budget",
)


look_up(
    "train",
    "exchange",
    "currency",
    "rate",
    names="exchange rate, rate of currency, currency rate",
    doc="How many units of a currency one euro buys.",
    says=("the exchange rate of {currency} to the euro", "the amount of {currency} that one euro buys"),
)


@tool(
    "test",
    "exchange",
    names="exchange money, euros in currency, change euros",
    doc="Euros as another currency.",
    says=("{amount} in {currency}", "{amount} exchanged into {currency}"),
    gives="exchanged",
    sort="number",
    needs=(("currency", "rate"),),
    amount="euros, in euros, value in euros",
    currency="to, into, wanted currency",
)
def exchange(world: World, amount: Money, currency: Currency) -> float:
    return float(amount * find(world, "currency", currency)["rate"])


SCRIPTS.append(Script("train", ("bank.deposit",), "bank.balance", {"account": "account"}, repeats=(1, 2)))
SCRIPTS.append(Script("valid", ("cards.charge",), "cards.value", {"card": "card"}, repeats=(1, 3)))
SCRIPTS.append(Script("test", ("budgets.move",), "budgets.amount", {"budget": "target"}, repeats=(1, 3)))

"""A shop: price list, stock, and a basket or orders that are filled call by call."""

from bisect import insort
from typing import Annotated, Any

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.function import SCRIPTS, Person, Product, Quantity, Script, look_up, tool
from tastemaker.learning.tasks.world import World, find

Order = Annotated[str, "order"]

look_up(
    "train",
    "shop",
    "product",
    "price",
    names="get price, price of, unit price",
    doc="The price of a product in euros.",
    says=("the price of the {product}", "the unit price of the {product}"),
)
look_up(
    "train",
    "shop",
    "product",
    "stock",
    names="check stock, pieces in stock, stock level",
    doc="How many pieces of a product are in stock.",
    says=("the number of pieces of the {product} in stock", "the stock of the {product}"),
)
look_up(
    "train",
    "shop",
    "product",
    "made_in",
    names="made in, origin of product, town of manufacture",
    doc="The town where a product is made.",
    gives="town",
    says=("the town where the {product} is made",),
)
look_up(
    "valid",
    "shop",
    "product",
    "supplier",
    names="supplier of, who supplies, supplier contact",
    doc="The person who supplies a product.",
    says=("the supplier of the {product}",),
)
look_up(
    "valid",
    "shop",
    "product",
    "warranty",
    names="warranty days, warranty of, guarantee period",
    doc="Days of warranty on a product.",
    gives="days",
    says=("the number of warranty days on the {product}", "the warranty of the {product} in days"),
)
look_up(
    "valid",
    "shop",
    "product",
    "arrives",
    names="arrival date, delivery day, next delivery of",
    doc="The date a product arrives.",
    says=("the date the {product} arrives", "the delivery date of the {product}"),
)
look_up(
    "test",
    "shop",
    "product",
    "cost",
    names="purchase cost, wholesale price, cost of buying",
    doc="What the shop pays for a product, in euros.",
    says=("the wholesale cost of the {product}", "the purchase cost of the {product}"),
)
look_up(
    "test",
    "shop",
    "product",
    "weight",
    names="product weight, weight of, how heavy",
    doc="The weight of a product in kg.",
    says=("the weight of the {product}",),
)
look_up(
    "test",
    "shop",
    "product",
    "shelf",
    names="shelf of, shelf location, where stored",
    doc="The shelf where a product stands.",
    says=("the shelf of the {product}",),
)
look_up(
    "test",
    "shop",
    "product",
    "accessory",
    names="accessory for, matching product, goes with",
    doc="The accessory that goes with a product.",
    gives="product",
    says=("the accessory that goes with the {product}",),
)


@tool(
    "train",
    "shop",
    names="add to basket, put in basket, basket add",
    doc="Puts pieces of a product in the basket.",
    says=(
        "put {quantity} of the {product} in my basket",
        "add {quantity} pieces of the {product} to my basket",
    ),
    gives="added",
    needs=(("product", "price"), ("cart", "")),
    kin="basket",
    quantity="quantity, pieces, count",
)
def put_in_basket(world: World, product: Product, quantity: Quantity) -> int:
    find(world, "product", product)
    if quantity < 1:
        raise ToolError("quantity must be at least 1")
    row = world["cart"].setdefault(product.casefold(), {"quantity": 0})
    row["quantity"] += quantity
    return quantity


@tool(
    "train",
    "shop",
    names="basket total, total of basket, basket value",
    doc="The total of the basket in euros.",
    says=("the total of my basket", "the price of all that is in my basket"),
    gives="total",
    sort="money",
    needs=(("product", "price"), ("cart", "")),
    kin="basket",
)
def basket_total(world: World) -> float:
    return float(
        sum(row["quantity"] * find(world, "product", name)["price"] for name, row in world["cart"].items())
    )


@tool(
    "test",
    "orders",
    names="open order, new order, start order",
    doc="Opens an order for a customer.",
    says=("open an order for {person}", "start a new order for {person}"),
    gives="order",
    needs=(("person", ""), ("order", "")),
    kin="orders",
    person="customer, for, buyer",
)
def open_order(world: World, person: Person) -> str:
    find(world, "person", person)
    number = f"R{sum(map(len, world['person'])) * 7 + 11 * len(world['order'])}"
    world["order"][number] = {"for": person.strip().casefold(), "lines": []}
    return number


@tool(
    "test",
    "orders",
    names="add order line, order product, add line",
    doc="Adds a product to an order.",
    says=("add {quantity} of the {product} to {order}", "put {quantity} pieces of the {product} on {order}"),
    gives="line",
    needs=(("product", "cost"), ("order", "")),
    kin="orders",
    order="order, order id, to order",
    product="article, good, line item",
    quantity="how many, amount, qty",
)
def add_line(world: World, order: Order, product: Product, quantity: Quantity) -> int:
    lines = _lines(world, order)
    find(world, "product", product)
    if quantity < 1:
        raise ToolError("at least 1 piece must be ordered")
    insort(lines, f"{product.casefold()}*{quantity}")
    return len(lines)


@tool(
    "test",
    "orders",
    names="order cost, sum of order, order amount",
    doc="What an order costs in euros.",
    says=("the full price of {order}", "the cost of {order}"),
    gives="cost",
    sort="money",
    needs=(("product", "cost"), ("order", "")),
    kin="orders",
    order="id, of order, number",
)
def order_cost(world: World, order: Order) -> float:
    lines = (line.rsplit("*", 1) for line in _lines(world, order))
    return float(sum(find(world, "product", name)["cost"] * int(quantity) for name, quantity in lines))


def _lines(world: World, order: str) -> list[Any]:
    if order not in world["order"]:
        raise ToolError(f"there is no order {order!r}; open one first")
    lines: list[Any] = world["order"][order]["lines"]
    return lines


SCRIPTS.append(Script("train", ("shop.put_in_basket",), "shop.basket_total", {}, repeats=(1, 4)))
SCRIPTS.append(
    Script("test", ("orders.add_line",), "orders.order_cost", {}, repeats=(1, 3), opens="orders.open_order")
)

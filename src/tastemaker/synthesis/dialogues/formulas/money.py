"""Formulas about money: interest, shares, yields."""

from __future__ import annotations

import math
from typing import Any

from tastemaker.synthesis.dialogues.formulas.registry import Given, of


@of("tip")
def _tip(g: Given) -> dict[str, Any]:
    tip = g["bill"] * g["percentage"] / 100
    total = g["bill"] + tip
    if g.get("round_up"):
        tip, total = tip + math.ceil(total) - total, math.ceil(total)
    return {"tip": tip, "per_person": total / g.get("people", 1)}


@of("bill split")
def _split(g: Given) -> dict[str, Any]:
    if g.get("shares"):
        raise ValueError
    share = g["total"] * (1 + g.get("tip", 0) / 100) / g["people"]
    return {"per_person": [share] * g["people"]}


@of("compound interest")
def _interest(g: Given) -> dict[str, Any]:
    if g.get("monthly_deposit"):
        raise ValueError
    times = {"yearly": 1, "quarterly": 4, "monthly": 12, "daily": 365}[g.get("compounding", "yearly")]
    final = g["principal"] * (1 + g["annual_rate"] / 100 / times) ** (times * g["years"])
    return {"final_amount": final, "interest": final - g["principal"]}


@of("mortgage payment")
def _mortgage(g: Given) -> dict[str, Any]:
    if g.get("frequency", "monthly") != "monthly":
        raise ValueError
    debt, rate, months = g["loan_amount"] - g.get("down_payment", 0), g["annual_rate"] / 1200, g["term"] * 12
    payment = debt * rate / (1 - (1 + rate) ** -months)
    return {"payment": payment, "total_interest": payment * months - debt}


@of("return on investment")
def _roi(g: Given) -> dict[str, Any]:
    gain = (g["returned"] - g.get("fees", 0)) / g["invested"]
    outputs = {"roi": (gain - 1) * 100}
    if "years" in g:
        outputs["yearly_return"] = (gain ** (1 / g["years"]) - 1) * 100
    return outputs


@of("profit margin")
def _margin(g: Given) -> dict[str, Any]:
    profit = (g["revenue"] - g["costs"]) * (1 - g.get("tax_rate", 0) / 100)
    return {"margin": profit / g["revenue"] * 100, "profit": profit}


@of("break-even point")
def _break_even(g: Given) -> dict[str, Any]:
    each = g["unit_price"] - g["unit_cost"]
    units = math.ceil((g["fixed_costs"] + g.get("target_profit", 0)) / each)
    if units < 0:
        raise ValueError
    return {"units": units, "revenue": units * g["unit_price"]}


@of("conversion rate")
def _conversion(g: Given) -> dict[str, Any]:
    return {"rate": g["conversions"] / g["visitors"] * 100}


@of("overtime pay")
def _overtime(g: Given) -> dict[str, Any]:
    extra = g["overtime_hours"] * g.get("multiplier", 1.5)
    return {"pay": g["hourly_rate"] * (g["regular_hours"] + extra)}


@of("depreciation")
def _depreciation(g: Given) -> dict[str, Any]:
    if g.get("method", "straight line") != "straight line" or g.get("salvage_value", 0) > g["cost"]:
        raise ValueError
    yearly = (g["cost"] - g.get("salvage_value", 0)) / g["useful_life"]
    return (
        {"yearly_amount": yearly, "book_value": g["cost"] - yearly * min(g["year"], g["useful_life"])}
        if ("year" in g)
        else {"yearly_amount": yearly}
    )


@of("rental yield")
def _rental(g: Given) -> dict[str, Any]:
    rent = 12 * g["monthly_rent"] * (1 - g.get("vacancy", 0) / 100)
    price = g["purchase_price"]
    return {
        "gross_yield": 1200 * g["monthly_rent"] / price,
        "net_yield": (rent - g.get("yearly_costs", 0)) / price * 100,
    }


@of("discount")
def _discount(g: Given) -> dict[str, Any]:
    whole = g["original_price"] * g.get("quantity", 1)
    saved = whole * g["discount_rate"] / 100
    return {"final_price": (whole - saved) * (1 + g.get("tax_rate", 0) / 100), "saved": saved}


@of("payback time")
def _payback(g: Given) -> dict[str, Any]:
    return {"years": (g["cost"] - g.get("subsidy", 0)) / g["yearly_savings"]}

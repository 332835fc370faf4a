"""Rules on the tools' definitions, and on calls that must be executable by them."""

from __future__ import annotations

from tastemaker.synthesis.verification.sample import Fault, Sample


def schema_valid(sample: Sample) -> list[Fault]:
    """Parameters and results are valid JSON Schema, and parameters are an object's."""
    return [
        Fault("schema-valid", f"tools[{place}]", why)
        for place, known in enumerate(sample.definitions)
        for why in known.invalid
    ]


def definition_complete(sample: Sample) -> list[Fault]:
    """Every tool has a name of its own, a description, and parameters that say what they are."""
    faults = [
        Fault("definition-complete", f"tools[{place}]", why)
        for place, known in enumerate(sample.definitions)
        for why in known.incomplete
    ]
    if len(sample.by_name) < len(sample.definitions):
        seen: set[str] = set()
        for place, spec in enumerate(sample.trajectory.tools):
            if spec.name in seen:
                faults.append(Fault("definition-complete", f"tools[{place}]", f"{spec.name} is there twice"))
            seen.add(spec.name)
    return faults


def known_name(sample: Sample) -> list[Fault]:
    """Every call names a tool of the list."""
    return [
        Fault("known-name", where, f"there is no tool {call.name!r}")
        for call, _, where in sample.calls
        if call.name not in sample.by_name
    ]


def required_arguments(sample: Sample) -> list[Fault]:
    """Every required argument is given, inside nested objects too."""
    return _misfits(sample, "required-arguments", required=True)


def argument_values(sample: Sample) -> list[Fault]:
    """Every argument is one that the definition names, of its type, format, pattern, choice and bounds."""
    return _misfits(sample, "argument-values", required=False)


def _misfits(sample: Sample, rule: str, required: bool) -> list[Fault]:
    return [
        Fault(rule, f"{where}.{misfit.where}" if misfit.where else where, misfit.why)
        for where, misfits in sample.argument_misfits
        for misfit in misfits
        if (misfit.keyword == "required") is required
    ]

"""The trackers by name."""

from __future__ import annotations

from tastemaker.policies.trackers.average import AverageTracker
from tastemaker.policies.trackers.base import Tracker, TrackerConfig
from tastemaker.policies.trackers.caser import CaserTracker
from tastemaker.policies.trackers.gru import GRUTracker
from tastemaker.policies.trackers.nextitnet import NextItNetTracker
from tastemaker.policies.trackers.sasrec import SASRecTracker

_TRACKERS: dict[str, type[Tracker]] = {
    "average": AverageTracker,
    "caser": CaserTracker,
    "gru": GRUTracker,
    "nextitnet": NextItNetTracker,
    "sasrec": SASRecTracker,
}


def build(config: TrackerConfig, n_users: int, n_items: int) -> Tracker:
    """The tracker that a config names, with fresh parameters."""
    return _TRACKERS[config.tracker](config, n_users, n_items)

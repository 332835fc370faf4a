"""One way to fetch: a named asset is looked for in the user's folder, the cache, its official address, a
wheel.
"""

from tastemaker.assets.asset import Archive, Asset, File, Form, Wheel
from tastemaker.assets.catalogue import CATALOGUE
from tastemaker.assets.fetch import Found, cache_folder, data_folder, fetch, locate

__all__ = [
    "CATALOGUE",
    "Archive",
    "Asset",
    "File",
    "Form",
    "Found",
    "Wheel",
    "cache_folder",
    "data_folder",
    "fetch",
    "locate",
]

"""API documents read from files: one file a format, all giving `ApiDocument`.

`read(path)` looks at the content, not at the file's name, to tell what it is.
"""

from tastemaker.tools.importers.document import ApiDocument
from tastemaker.tools.importers.files import read

__all__ = ["ApiDocument", "read"]

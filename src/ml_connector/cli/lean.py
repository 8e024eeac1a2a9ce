"""Imported first by a process that is to stay small: what draws coloured tracebacks is not loaded, 7 MB.

The log's library looks for it by itself and does without where it is missing.
"""

from __future__ import annotations

import sys
from typing import cast

_ABSENT = cast(dict[str, object], sys.modules)
_ABSENT["rich"] = None  # so `import rich` raises ImportError (docs.python.org, The import system, 5.3.1)

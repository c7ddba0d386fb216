"""One BLAS thread in this process.

A product of a matrix with one vector is bound by memory: a second thread gains nothing and, where the machine is busy,
waits for its turn (measured on two cores: 2 ms become 10 to 60). NumPy has no switch for it, so OpenBLAS is asked.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import numpy as np

FOLDERS = ("../numpy.libs", ".dylibs")
"""Where NumPy's wheels keep OpenBLAS, seen from NumPy itself: Linux, macOS."""
SETTERS = ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads")


@lru_cache(maxsize=1)
def use_one_thread() -> bool:
    """Set it, once; False where NumPy brings no OpenBLAS, and does as the system's BLAS does."""
    found = False
    for folder in FOLDERS:
        for path in (Path(np.__file__).parent / folder).glob("*openblas*"):
            library = ctypes.CDLL(str(path))  # the one that is loaded already: the loader knows it by its file
            for name in SETTERS:
                if setter := getattr(library, name, None):
                    setter(1)
                    found = True
    return found

"""Whether an NVIDIA driver with a usable GPU is there, asked of the driver itself.

Asking first keeps ONNX Runtime from loading gigabytes of CUDA libraries, and from logging errors,
on the many machines that have no GPU.
"""

from __future__ import annotations

import ctypes
import platform

from emolive.i18n import tr

_LIBRARIES = {"Linux": "libcuda.so.1", "Windows": "nvcuda.dll"}


def driver_problem(library: str | None = None) -> str | None:
    """Why no CUDA GPU can be used, or None when the driver offers one.

    Args:
        library: the driver's library, when it is not the system's usual one.
    """
    name = library or _LIBRARIES.get(platform.system())
    if name is None:
        return tr("there is no CUDA for {system}", system=platform.system())
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return tr("no NVIDIA driver was found ({name})", name=name)
    count = ctypes.c_int(0)
    try:
        code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except AttributeError:
        return tr("{name} is not an NVIDIA driver", name=name)
    if code != 0 or count.value == 0:
        return tr("the NVIDIA driver offers no GPU (code {code})", code=code)
    return None

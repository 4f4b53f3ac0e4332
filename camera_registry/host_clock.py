"""Whether our own clock can be trusted to judge others: what the kernel knows of its synchronisation."""

import ctypes
import ctypes.util

TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised to a reliable server


class _Timex(ctypes.Structure):
    """``struct timex``: with ``modes`` 0 the kernel only fills it in. Larger than any kernel's."""

    _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 508))


def is_synchronised() -> bool:
    """Whether a time daemon keeps this host's clock; where the kernel does not say, it does not."""
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    state: int = libc.adjtimex(ctypes.byref(_Timex()))
    return 0 <= state < TIME_ERROR

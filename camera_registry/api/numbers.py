"""Whole numbers as strangers send them: in addresses and forms."""

from typing import Annotated

from pydantic import Field

LARGEST = 2**63 - 1  # a column of a database holds 64 bits, one of which is the sign

Number = Annotated[int, Field(ge=0, le=LARGEST)]
"""The number of a thing, or 0 for none; a larger one is refused with 422 before a database fails of it."""

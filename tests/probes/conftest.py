"""How properties are tried here."""

from hypothesis import settings

# A busy machine is no failure of the code: examples are bounded by their number, not by time.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

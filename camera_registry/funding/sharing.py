"""A sum and the points that share it, as a person fills them in: split, or said to be nobody's yet."""

from collections.abc import Sequence

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, dong, translate

Shares = tuple[tuple[str | None, int | None], ...]  # codes of points, and đồng


class SharingError(RegistryError):
    """The shares of points do not make the sum, or it is not said how much something is."""

    def text(self, language: Language) -> str:
        """As of every refusal; amounts as the language writes them."""
        shown = {
            name: dong(value, language) if isinstance(value, int) else value
            for name, value in self.values.items()
        }
        return translate(self.message, language, **shown)


def shares_of(
    amount: int | None, rows: Sequence[tuple[str, int | None]], *, unknown: bool = False, rest: bool = False
) -> Shares:
    """The shares of an entry: of each point, and of no point yet, what was filled in.

    ``rows`` are codes of points, each once, and what of ``amount`` is theirs. The one point of an entry has
    all of it; several are told apart by hand or by ``money.evenly``. ``unknown`` says that what was left
    blank is not known, ``rest`` that what is over is no point's yet. Raises ``SharingError``.
    """
    codes = [code for code, _ in rows]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice is not None:
        raise SharingError(N_("{point} is named twice."), point=twice)
    if not rows or (len(rows) == 1 and rows[0][1] is None):
        if amount is None and not unknown:
            raise SharingError(N_("Say how much it is, or tick that it is not known."))
        return ((rows[0][0] if rows else None, amount),)
    known = sum(share for _, share in rows if share is not None)
    blank = next((code for code, share in rows if share is None), None)
    if blank is not None and amount is not None:
        raise SharingError(
            N_("{amount} is not split yet: {point} has no share. Split it evenly, or write each share."),
            amount=amount,
            point=blank,
        )
    if blank is not None and not unknown:
        raise SharingError(N_("Say how much is for {point}, or tick that it is not known."), point=blank)
    over = 0 if amount is None else amount - known
    if over < 0:
        raise SharingError(N_("The shares are {over} more than the sum."), over=-over)
    if over and not rest:
        raise SharingError(
            N_("{over} of the sum is no point's. Split it, or tick that it is not allocated yet."), over=over
        )
    return (*rows, *(((None, over),) if over else ()))

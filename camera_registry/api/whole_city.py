"""Deeds that no ward can do by itself: an inventory and a site's network belong to the whole city."""

from fastapi import Depends, HTTPException

from camera_registry.api.desk import AtDesk
from camera_registry.i18n import N_

NOT_ALL = N_("Only who sees the whole city may do this: it reaches beyond single wards.")


def _whole_city(desk: AtDesk) -> None:
    if desk.scope.unit_ids is not None:
        raise HTTPException(403, NOT_ALL)


WholeCity = Depends(_whole_city)

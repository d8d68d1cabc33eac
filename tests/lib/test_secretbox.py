"""Secrets at rest."""

import pytest
from pytest_django.fixtures import Settings

from hitlconsole.lib.secretbox import CannotOpen, open_sealed, seal


def test_what_is_sealed_says_nothing_and_opens_again(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["first"]
    sealed = seal("whsec_höchst geheim")
    assert "geheim" not in sealed
    assert sealed != seal("whsec_höchst geheim")
    assert open_sealed(sealed) == "whsec_höchst geheim"


def test_keys_rotate(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["old"]
    sealed = seal("secret")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert open_sealed(sealed) == "secret"
    fresh = seal("secret")
    settings.ENCRYPTION_KEYS = ["new"]
    assert open_sealed(fresh) == "secret"
    with pytest.raises(CannotOpen):
        open_sealed(sealed)


@pytest.mark.parametrize("token", ["", "x", "gAAAAAB", "gAAAAABé"])
def test_damage_is_told(token: str) -> None:
    with pytest.raises(CannotOpen):
        open_sealed(token)

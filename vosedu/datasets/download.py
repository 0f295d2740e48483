"""Fetching one file: resumed where it broke off, checked, never half in place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One file that somebody else offers.

    title: what it is, in words.
    url: an address a person could open; Google Drive addresses are fetched through gdown.
    sha256: of the file, in hex; None where nobody published one (the first download records it).
    size: bytes, None where not stated.
    note: what to know before fetching it (access code, licence, doubts about the address).
    mirrors: further addresses of the same bytes, tried in order.
    file: name to store it under; "" takes the last part of the url.
    by_hand: steps for a person, where no program may fetch it (a form, an account).
    verified: False where the address comes from memory or hearsay and nobody has checked it.
    """

    title: str
    url: str
    sha256: str | None = None
    size: int | None = None
    note: str = ""
    mirrors: tuple[str, ...] = ()
    file: str = ""
    by_hand: str = ""
    verified: bool = True

"""Every page of the application, one module per desk."""

from __future__ import annotations

from flask import Blueprint

from custody.web.pages import acts, bedside, health, proposals, sign_in, things, work

ALL: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    work.blueprint,
    acts.blueprint,
    proposals.blueprint,
    things.blueprint,
    health.blueprint,
    bedside.blueprint,
)

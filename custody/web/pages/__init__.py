"""Every page of the application, one module per desk."""

from __future__ import annotations

from flask import Blueprint

from custody.web.pages import acts, bedside, demonstration, health, proposals, receiving, sign_in, symbols, things, work

ALL: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    work.blueprint,
    acts.blueprint,
    proposals.blueprint,
    things.blueprint,
    receiving.blueprint,
    bedside.blueprint,
    symbols.blueprint,
    demonstration.blueprint,
    health.blueprint,
)

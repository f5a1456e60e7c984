"""Every page of the application, one module per desk."""

from __future__ import annotations

from flask import Blueprint

from custody.web.pages import (
    access_review,
    acts,
    appearance,
    bedside,
    certificates,
    corrections,
    demonstration,
    desks,
    health,
    logger_files,
    metrics,
    own_account,
    own_secret,
    people,
    proposals,
    receiving,
    sign_in,
    station,
    study,
    symbols,
    things,
    work,
)

ALL: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    own_secret.blueprint,
    own_account.blueprint,
    people.blueprint,
    access_review.blueprint,
    work.blueprint,
    acts.blueprint,
    proposals.blueprint,
    things.blueprint,
    certificates.blueprint,
    corrections.blueprint,
    *desks.BLUEPRINTS,
    logger_files.blueprint,
    receiving.blueprint,
    bedside.blueprint,
    station.blueprint,
    symbols.blueprint,
    appearance.blueprint,
    study.blueprint,
    demonstration.blueprint,
    health.blueprint,
    metrics.blueprint,
)

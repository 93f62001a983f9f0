"""The document of the API: schemas of all bodies, and the problems that each route may answer with.

Schemas are msgspec's, made from the structs that services return, so the document cannot differ
from the answers. Every failure is a problem (RFC 9457), whichever layer noticed it, and described
as one; FastAPI's own description of its errors, which nobody here is sent, stays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from fastapi import FastAPI

from ava.api.answers import PROBLEM
from ava.problems import Problem, problem

if TYPE_CHECKING:
    from ava.api.route import Routes

_REFERENCE: Final = "#/components/schemas/{name}"
_STANDS_FOR: Final = "ava:example:"
_PROBLEM: Final = {"$ref": _REFERENCE.format(name=Problem.__name__)}
_MEANING: Final = {
    HTTPStatus.UNAUTHORIZED: "A key is missing, or not known.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter or the body is not what is asked for.",
    HTTPStatus.TOO_MANY_REQUESTS: "The key asks too often; Retry-After says when it may again.",
}
_EXAMPLE: Final = problem(
    "no_database",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "this needs PostgreSQL, and there is none: set AVA_DATABASE_URL",
)


def problems(path: str, *, keyed: bool, takes: bool, asks: bool) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of a route's failures, by status.

    `keyed` routes need a key, `takes` says that there is a body and `asks` that there are
    parameters.
    """
    statuses = {
        HTTPStatus.UNAUTHORIZED: keyed,
        HTTPStatus.NOT_FOUND: "{" in path,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: takes,
        HTTPStatus.UNPROCESSABLE_ENTITY: takes or asks,
        HTTPStatus.TOO_MANY_REQUESTS: keyed,
    }
    found: dict[int | str, dict[str, Any]] = {
        int(status): _described(_MEANING[status]) for status, is_so in statuses.items() if is_so
    }
    found["default"] = _described("It could not be done; the problem says why.")
    found["default"]["content"][PROBLEM]["example"] = msgspec.to_builtins(_EXAMPLE)
    return found


def describe(app: FastAPI, areas: Sequence[Routes]) -> None:
    """Put the schemas of all bodies into the application's document."""
    described = [one for area in areas for one in area.described]
    kinds = [*(one.kind for one in described), Problem]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    examples = {}
    for number, (one, schema) in enumerate(zip(described, schemas, strict=False)):
        one.place["schema"], one.place["example"] = schema, f"{_STANDS_FOR}{number}"
        examples[one.place["example"]] = msgspec.to_builtins(one.example)
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        _fill(document["paths"], examples)
        held = document.setdefault("components", {})
        held.setdefault("schemas", {}).update(components)
        held["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend it


def operation_id(tag: str, name: str) -> str:
    """Return the name that generated clients call an operation by."""
    return name if name == tag else f"{tag}_{name}"


def names(parameters: Iterable[str]) -> set[str]:
    """Return the parameters of a handler that a request is asked for."""
    return set(parameters) - {"body", "request"}


def _fill(node: Any, examples: Mapping[str, Any]) -> None:
    """Put the examples where their names stand: FastAPI leaves out of a document what is null."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        if isinstance(value, dict | list):
            _fill(value, examples)
        elif isinstance(value, str) and value in examples:
            node[key] = examples[value]


def _described(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {PROBLEM: {"schema": _PROBLEM}}}

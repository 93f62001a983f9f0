"""The document of the API describes what is really answered."""

import jsonschema_rs
import pytest
from api_asking import asking

from ava.api.app import create_app
from ava.problems import Problem

pytestmark = pytest.mark.anyio

METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture
async def document(core):
    """The document of every area there is."""
    async with asking(create_app(core)) as client:
        return (await client.get("/openapi.json")).json()


def operations(document):
    """Yield (name, operation) of all."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {path}", item[method]


def contents(document):
    """Yield (name, media type, content) of every body in the document."""
    for name, operation in operations(document):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for kind, body in bodies.items():
            for media, content in body.get("content", {}).items():
                yield f"{name} {kind}", media, content


async def test_operations_have_short_names_of_their_own(document):
    """Generated clients call them by these."""
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names)) > 10
    assert max(map(len, names)) <= 40
    assert all(name.isidentifier() for name in names)


async def test_every_route_says_how_it_fails(document):
    """As problems, and never in FastAPI's own form, which nobody is sent."""
    for name, operation in operations(document):
        responses = operation["responses"]
        if "text/plain" in responses["200" if "200" in responses else "201"].get("content", {}):
            continue  # for a program that reads nothing but its own form
        failures = {status: r for status, r in responses.items() if status[0] not in "23"}
        assert "default" in failures, name
        for status, failure in failures.items():
            media = set(failure["content"])
            assert media == {"application/problem+json"} or name == "get /api/v1/health", status
        keyed = {"401", "429"} <= set(responses)
        assert keyed is bool(operation.get("security")), name
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert set(document["components"]["schemas"]["Problem"]["properties"]) == set(
        Problem.__struct_fields__
    )


async def test_every_change_needs_a_key(document):
    """Nothing that is no question is open to anybody."""
    open_ones = [
        name for name, one in operations(document) if name[:4] != "get " and not one.get("security")
    ]
    assert open_ones == []


async def test_every_json_body_has_an_example_that_its_schema_allows(document):
    """And each reference in a schema leads somewhere."""
    checked = 0
    for name, media, content in contents(document):
        if "json" not in media:
            continue
        schema = {**content["schema"], "components": document["components"]}
        validator = jsonschema_rs.validator_for(schema)
        if media == "application/json":
            assert "example" in content, name
        if "example" in content:
            errors = [f"{name}: {e.message}" for e in validator.iter_errors(content["example"])]
            assert errors == []
            checked += 1
    assert checked > 20


async def test_every_route_is_described(document):
    """A summary and a sentence for each."""
    lacking = [name for name, one in operations(document) if not one.get("description")]
    assert lacking == []


async def test_every_list_is_bounded(document):
    """A page's size has a most."""
    limits = [
        (name, parameter["schema"])
        for name, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if parameter["name"] == "limit"
    ]
    assert limits
    assert [name for name, schema in limits if "maximum" not in schema] == []


async def test_every_question_can_be_asked_by_head(core, document):
    """The status is that of the GET, and there is no body."""
    async with asking(create_app(core)) as client:
        for path, item in document["paths"].items():
            if "get" in item and "{" not in path:
                got, head = await client.get(path), await client.head(path)
                assert (head.status_code, head.content) == (got.status_code, b""), path

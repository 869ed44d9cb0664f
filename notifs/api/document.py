"""The OpenAPI 3.1 document, made of the declared operations."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from notifs.api.answers import Problem
from notifs.api.asks import Item
from notifs.api.call import IDEMPOTENCY_KEY
from notifs.api.operations import Operation, Refusal
from notifs.errors import InvalidKey, OutOfScope, StoreUnavailable, TooLarge, TooManyRequests

REF = "#/components/schemas/{model}"
Json = dict[str, Any]

ANY = [Refusal.of(error) for error in (InvalidKey, OutOfScope, TooManyRequests, StoreUnavailable)]
"""What every operation may be answered with."""
WITH_BODY = [
    Refusal(400, "bad_json", "The body is not JSON."),
    Refusal(400, "too_deep", "The body is nested too deeply."),
    Refusal.of(TooLarge),
    Refusal(408, "too_slow", "The body took too long to come."),
    Refusal(415, "unsupported_media_type", "Send `Content-Type: application/json`."),
]
HEADERS: dict[str, tuple[str, str]] = {
    "RateLimit": ("What is left of the key's limit.", '"default";r=5999;t=58'),
    "RateLimit-Policy": ("The key's limit.", '"default";q=6000;w=60'),
    "ETag": ("Names what was answered; for `If-None-Match` and `If-Match`.", '"1-5d41402abc4b2a76"'),
    "Location": ("Where it is.", "/api/v1/notifications/01935d3f-7b1e-7cc2-9d5a-0b6f5a3c2e11"),
    "Idempotency-Replayed": ("`true`: an earlier request with this key has done it.", "true"),
    "Retry-After": ("Seconds until it may be tried again.", "1"),
    "WWW-Authenticate": ("How to prove who you are.", "Bearer"),
}
SENT: dict[str, tuple[str, Json]] = {
    "Idempotency-Key": (
        "1 to 200 printable ASCII characters, or the same in quotes: under one key the same request is done once in "  # noqa: ISC004
        "24 hours.",
        {"type": "string", "pattern": f"^({IDEMPOTENCY_KEY.pattern})$", "examples": ["order-7-placed"]},
    ),
    "If-None-Match": ("The `ETag` that you have; 304 if there is nothing else.", {"type": "string"}),
    "If-Match": ("The `ETag` of what you have read; 412 if its content is another by now.", {"type": "string"}),
}
DESCRIPTION = (
    "Every request carries an API key, `Authorization: Bearer nk_...`; `notifs key create` makes one. Errors are "
    "problem details (RFC 9457) with a stable `code`. Lists come in pages: `next` of one is the `cursor` of the next. "
    "A slash in a name in the path is written `%2F`."
)
TAGS = {
    "notifications": "Sending, changing and taking back; and what has become of it.",
    "subjects": "What notifications are about.",
    "announcements": "Notifications for everyone.",
    "topics": "Named sets of followers.",
    "users": "Recipients: their ids are what your application calls them.",
    "jobs": "Sending to many, or later.",
    "audit": "What happened, and who did it.",
}


class _Schemas(GenerateJsonSchema):
    """In the order of the code, without titles that repeat a field's name, or defaults that say there is nothing."""

    def sort(self, value: Any, parent_key: str | None = None) -> Any:
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Json:
        made = super().default_schema(schema)
        if made.get("default", ...) is None:
            del made["default"]
        return made


def document(base: str, version: str, operations: Sequence[Operation]) -> Json:
    """The document of these operations, which are below `base`."""
    refs, schemas = _schemas(operations)
    names = {operation.name: operation for operation in operations}
    paths: Json = {}
    for operation in operations:
        item = paths.setdefault(base + operation.path, {})
        item[operation.method.lower()] = _operation(operation, refs, names)
    used = [operation.tag for operation in operations]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifs",
            "version": version,
            "summary": "Notifications for your users, from any program.",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"key": []}],
        "tags": [{"name": tag, "description": told} for tag, told in TAGS.items() if tag in used],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "examples": _examples(refusal for operation in operations for refusal in _known(operation)),
            "headers": {name: _header(*told) for name, told in HEADERS.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key: `nk_ID_SECRET`."}
            },
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[Mapping[type[BaseModel], Json], Json]:
    """Where each model is, and all of them."""
    models: dict[type[BaseModel], None] = {Problem: None, Item: None}
    for operation in operations:
        models |= {model: None for model in (operation.body, *operation.answers.values()) if model is not None}
    refs, made = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF, schema_generator=_Schemas
    )
    return {model: refs[model, "validation"] for model in models}, made["$defs"]


def _operation(operation: Operation, refs: Mapping[type[BaseModel], Json], names: Mapping[str, Operation]) -> Json:
    made: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\nNeeds a key with the scope `{operation.scope}`.".strip(),
        "parameters": [
            *_parameters("path", operation.places),
            *(_parameters("query", operation.query) if operation.query else ()),
            *(
                {"name": name, "in": "header", "description": SENT[name][0], "schema": SENT[name][1]}
                for name in operation.sent
            ),
        ],
        "responses": _answers(operation, refs, names) | _refusals(operation),
    }
    if operation.body is not None:
        content = {"application/json": {"schema": refs[operation.body]}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _sent(name: str) -> Json:
    told, schema = SENT[name]
    return {"name": name, "in": "header", "description": told, "schema": schema}


def _parameters(place: str, model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema(ref_template=REF, schema_generator=_Schemas)
    made = []
    for name, inner in schema.get("properties", {}).items():
        told = inner.pop("description", None)
        known = next((each for each in inner.get("anyOf", ()) if each != {"type": "null"}), inner)
        told = known.pop("description", told)
        parameter = {"name": name, "in": place, "required": name in schema.get("required", ()), "schema": known}
        made.append(parameter | ({"description": told} if told else {}))
    return made


def _answers(operation: Operation, refs: Mapping[type[BaseModel], Json], names: Mapping[str, Operation]) -> Json:
    made: Json = {}
    for status, model in operation.answers.items():
        given = ("RateLimit", "RateLimit-Policy", *operation.given)
        answer: Json = {"description": _told(status, model), "headers": _headers(given)}
        if model is not None:
            answer["content"] = {"application/json": {"schema": refs[model]}}
        links = {name: _link(names[name], where) for name, where in operation.links.items() if _there(name, status)}
        if links:
            answer["links"] = links
        made[str(status)] = answer
    if "If-None-Match" in operation.sent:
        given = ("RateLimit", "RateLimit-Policy", "ETag")
        made["304"] = {"description": "What you have is still so.", "headers": _headers(given)}
    return made


def _there(name: str, status: int) -> bool:
    """Whether this answer leads on to the operation: there is a job only where something is still to be done."""
    return name != "job" or status == 202


def _told(status: int, model: type[BaseModel] | None) -> str:
    return (model.__doc__ or "").split("\n")[0] if model is not None else HTTPStatus(status).phrase


def _link(operation: Operation, where: Mapping[str, str]) -> Json:
    return {"operationId": operation.name, "parameters": dict(where), "description": f"{operation.summary}."}


def _known(operation: Operation) -> list[Refusal]:
    """Every error that an operation can give."""
    known = [*ANY, *operation.refusals, *(WITH_BODY if operation.body is not None else ())]
    if operation.body is not None:
        known.append(Refusal.of(operation.wrong))
    if operation.query is not None or operation.places.model_fields or operation.sent:
        known.append(Refusal(400, "bad_request", "A parameter is missing, wrong or unknown; the message names it."))
    return known


def _refusals(operation: Operation) -> Json:
    by_status: dict[int, dict[str, Refusal]] = {}
    for refusal in _known(operation):
        by_status.setdefault(refusal.status, {}).setdefault(refusal.code, refusal)
    return {str(status): _refusal(status, list(by_status[status].values())) for status in sorted(by_status)}


def _refusal(status: int, refusals: Sequence[Refusal]) -> Json:
    given = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(status, [])
    limits = [] if status == 401 else ["RateLimit", "RateLimit-Policy"]
    codes = {"properties": {"code": {"enum": [r.code for r in refusals]}, "status": {"const": status}}}
    examples = {r.code: {"$ref": f"#/components/examples/{r.code}"} for r in refusals}
    content = {"schema": {"allOf": [{"$ref": REF.format(model="Problem")}, codes]}, "examples": examples}
    return {
        "description": "  \n".join(f"`{r.code}`: {r.told}" for r in refusals),
        "headers": _headers([*given, *(limits if status not in (429, 503) else ())]),
        "content": {"application/problem+json": content},
    }


def _examples(refusals: Iterable[Refusal]) -> Json:
    return {
        each.code: {
            "value": {
                "type": f"urn:notifs:error:{each.code}",
                "title": each.code.replace("_", " "),
                "status": each.status,
                "detail": each.told,
                "code": each.code,
            }
        }
        for each in refusals
    }


def _header(told: str, example: str) -> Json:
    return {"description": told, "schema": {"type": "string", "examples": [example]}}


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}

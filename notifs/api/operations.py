"""An operation: one endpoint, as it is declared. Its routes and its place in the OpenAPI document are made of this."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from notifs.errors import BadRequest, NotFound, NotifsError
from notifs.store.keys import Scope

OPERATION = "operation"
"""The attribute of a method where its declaration is."""
BODY_LIMIT = 65_536
"""Bytes of a body, where an operation does not say otherwise."""


class Asked(BaseModel):
    """Base of what a producer sends: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Answer(BaseModel):
    """Base of what a producer gets."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not simply the first one that the operation declares."""

    body: BaseModel | None
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that an operation can give."""

    status: int
    code: str
    told: str

    @classmethod
    def of(cls, error: type[NotifsError]) -> "Refusal":
        return cls(error.status, error.code, " ".join((inspect.getdoc(error) or "").split("\n\n")[0].split()))


Handler = Callable[..., Awaitable[BaseModel | Reply | None]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint."""

    method: str
    path: str
    scope: Scope
    """What the API key must be good for."""
    name: str
    summary: str
    description: str
    answers: Mapping[int, type[BaseModel] | None]
    """What a success looks like, by status; the first is the usual one."""
    body: type[Asked] | None
    query: type[Asked] | None
    places: type[Asked]
    """The parameters in the path."""
    refusals: Sequence[Refusal]
    """Errors beside those that any operation can give."""
    wrong: type[NotifsError]
    """What a body of another shape is refused with."""
    limit: int
    """Bytes of a body."""
    sent: Sequence[str]
    """Headers of the request that mean something here."""
    given: Sequence[str]
    """Headers of the answer that are there beside those of any operation."""
    links: Mapping[str, Mapping[str, str]]
    """Operations that may follow, and where their path parameters are found (OpenAPI runtime expressions)."""

    @property
    def tag(self) -> str:
        return self.path.split("/")[1]


def operation(
    method: str,
    path: str,
    *,
    scope: Scope,
    answers: Mapping[int, type[BaseModel] | None],
    refusals: Sequence[type[NotifsError] | Refusal] = (),
    wrong: type[NotifsError] = BadRequest,
    limit: int = BODY_LIMIT,
    sent: Sequence[str] = (),
    given: Sequence[str] = (),
    links: Mapping[str, Mapping[str, str]] | None = None,
) -> Callable[[H], H]:
    """Declare a method to be an endpoint.

    Its first argument is the `Call`. An argument `body` or `query` is an `Asked`; any other is a parameter in the path,
    by its name. The docstring's first line is the summary, the rest the description.
    """

    def declare(handler: H) -> H:
        hints = get_type_hints(handler, include_extras=True)
        body, query = hints.pop("body", None), hints.pop("query", None)
        places: dict[str, Any] = {n: (hint, ...) for n, hint in hints.items() if n not in ("call", "return")}
        summary, _, rest = (inspect.getdoc(handler) or "").partition("\n\n")
        known = [each if isinstance(each, Refusal) else Refusal.of(each) for each in refusals]
        if any(code in path for code in ("{id}", "{topic}")) and not any(each.status == 404 for each in known):
            known.append(Refusal.of(NotFound))
        declared = Operation(
            method, path, scope, handler.__name__, summary.rstrip("."), rest, answers, body, query,
            create_model("Places", __base__=Asked, **places), known, wrong, limit, sent, given, links or {},
        )  # fmt: skip
        setattr(handler, OPERATION, declared)
        return handler

    return declare


def declared(room: type) -> list[Operation]:
    """The operations of a class, in the order in which they are declared."""
    members = (getattr(member, OPERATION, None) for member in vars(room).values())
    return [member for member in members if isinstance(member, Operation)]


def bound(rooms: Sequence[object]) -> list[tuple[Operation, Handler]]:
    """Every operation of these objects, and what does it."""
    return [(each, getattr(room, each.name)) for room in rooms for each in declared(type(room))]

"""The OpenAPI document is a good one, and the application does what it says."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis.configuration import storage_directory
from openapi_spec_validator import OpenAPIV31SpecValidator

from notifs import Settings, limits
from tests.api.producer import Producer
from tests.servers import REPOSITORY, clean_environment
from tests.web.site import Site, serve

FOLDER = Path(__file__).parent
OPERATIONS = 24
VARIED = 18
"""Operations that no end of different requests can be made up for."""
CASES = int(os.environ.get("CASES", "0"))
"""Requests that are made up, at least: `CASES=20000 pytest tests/api/test_openapi.py -k schemathesis`."""
KNOWN = {"HYPOTHESIS_STORAGE_DIRECTORY": str(storage_directory().path), "NO_PROXY": "127.0.0.1"}
"""What it would find out by itself: which characters there are, and for each request that no proxy is to be asked."""
PHASES, WORKERS = ("coverage,fuzzing", "2") if CASES else ("coverage,fuzzing,stateful", "1")


async def test_the_document_is_valid_and_known_by_its_etag(site: Site, shop: Producer) -> None:
    document = shop.document.value
    OpenAPIV31SpecValidator(document).validate()
    response = await shop.http.get("/api/openapi.json")
    etag = response.headers["etag"]
    again = await shop.http.get("/api/openapi.json", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_it_names_every_model_plainly_and_explains_every_operation(shop: Producer) -> None:
    document = shop.document.value
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in document["components"]["schemas"])
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == OPERATIONS
    for operation in operations:
        assert operation["summary"]
        assert {"401", "403", "429", "503"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]
        body = operation.get("requestBody")
        if body:
            (content,) = body["content"].values()
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert document["components"]["schemas"][name]["examples"]


async def test_its_error_codes_are_those_of_the_reference(shop: Producer) -> None:
    text = (REPOSITORY / "docs" / "reference.md").read_text()
    for code, example in shop.document.value["components"]["examples"].items():
        assert f"\n| `{code}` | " in text
        assert example["value"]["code"] == code


async def test_its_examples_are_accepted(site: Site, admin: Producer) -> None:
    document = admin.document.value
    for path, item in document["paths"].items():
        if "post" not in item:
            continue
        (content,) = item["post"]["requestBody"]["content"].values()
        name = content["schema"]["$ref"].rpartition("/")[2]
        for example in document["components"]["schemas"][name]["examples"]:
            place = path.removeprefix("/api/v1").replace("{topic}", "orders")
            response = await admin.ask("POST", place, json=example)
            assert response.status_code < 300, response.text


@pytest.mark.timeout(180 + CASES // 5)
async def test_schemathesis_finds_nothing(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_PER_MINUTE", 1_000_000)
    settings = Settings(database_url=sqlite_url, create_users=True, api_requests_per_minute=1_000_000)
    async with serve(settings) as site:
        _, token = await site.notifs.store.keys.create("schemathesis", ["admin"])
        arguments: list[Any] = [
            "-m", "schemathesis.cli", "--config-file", FOLDER / "schemathesis.toml",
            "run", f"{site.url}/api/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--phases", PHASES, "--max-examples", str(1 + CASES // VARIED), "--workers", WORKERS, "--no-color",
        ]  # fmt: skip
        environment = {**clean_environment(), **KNOWN, "SCHEMATHESIS_HOOKS": "unique_keys", "PYTHONPATH": str(FOLDER)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, *map(str, arguments), cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert f"{OPERATIONS} selected / {OPERATIONS} total".encode() in output
    generated = re.search(rb"([\d,]+) generated", output)
    assert generated, output.decode()
    assert int(generated[1].replace(b",", b"")) >= CASES

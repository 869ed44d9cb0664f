"""The migrations: each runs both ways, and together they make what the models say."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, sql, text

from notifs.errors import SchemaError
from notifs.store import Store, engines, schema, sessions
from notifs.store.database import Database
from notifs.store.models import Base, Session, User
from tests.samples import notification


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    database = Database(empty_url)
    yield database
    await database.close()


async def describe(database: Database) -> dict[str, Any]:
    """Every table but Alembic's own, with all that the database tells about it."""

    def of(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        indexes = {
            table: {
                index["name"]: (index["column_names"], index["unique"], _texts(index.get("dialect_options", {})))
                for index in found
            }
            for table, found in inspector.get_multi_indexes().items()
        }
        columns = {
            table: [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in found]
            for table, found in inspector.get_multi_columns().items()
        }
        keys = {table: key["constrained_columns"] for table, key in inspector.get_multi_pk_constraint().items()}
        told: dict[str, Any] = {
            "columns": columns,
            "primary key": keys,
            "foreign keys": inspector.get_multi_foreign_keys(),
            "unique": inspector.get_multi_unique_constraints(),
            "indexes": indexes,
            "options": inspector.get_multi_table_options(),
        }
        names = set(inspector.get_table_names()) - {schema.VERSION_TABLE}
        return {name: {what: of_all[None, name] for what, of_all in told.items()} for name in names}

    return await database.read(lambda c: c.run_sync(of))


def _texts(options: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


async def test_each_migration_can_be_taken_back_and_run_again(empty: Database) -> None:
    assert await schema.is_empty(empty)
    scripts = [*ScriptDirectory(str(schema.migrations())).walk_revisions()]
    after = await describe(empty)
    for script in reversed(scripts):
        before = after
        await schema.upgrade(empty, script.revision)
        after = await describe(empty)

        await schema.downgrade(empty, "-1")
        assert await describe(empty) == before
        await schema.upgrade(empty, script.revision)
        assert await describe(empty) == after
    assert await schema.check(empty) == scripts[0].revision


async def test_alembic_finds_no_difference_to_the_models(database: Database) -> None:
    def compare(connection: Connection) -> list[Any]:
        options = {"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    assert await database.read(lambda c: c.run_sync(compare)) == []


async def test_a_migrated_database_is_like_one_made_from_the_models(database: Database, empty: Database) -> None:
    """Says more than Alembic's comparison, which overlooks what an index is limited to and what a deletion does."""
    async with empty.session() as session:
        await (await session.connection()).run_sync(Base.metadata.create_all)
    assert await describe(database) == await describe(empty)


async def test_every_table_and_index_carries_the_prefix(database: Database) -> None:
    for name, table in (await describe(database)).items():
        assert name.startswith("notifs_")
        assert all("notifs_" in index for index in table["indexes"])


async def test_an_upgrade_ends_no_sign_in_that_was_made_before_there_was_an_idle_time(empty: Database) -> None:
    await schema.upgrade(empty, "0004")
    id, made = uuid.uuid4(), datetime.now(UTC) - timedelta(days=10)
    person = {"id": id, "email": "ada@example.org", "name": "Ada", "password_hash": "x", "created_at": made}
    ends = made + timedelta(days=14)
    sign_in = {"token_hash": "k" * 64, "user_id": id, "created_at": made, "expires_at": ends}
    async with empty.session() as session:
        for model, row in ((User, person), (Session, sign_in)):
            columns = [sql.column(name, model.__table__.c[name].type) for name in row]
            await session.execute(insert(sql.table(model.__tablename__, *columns)).values(row))
    await schema.upgrade(empty)
    found = await empty.read(lambda c: sessions.find(c, ["k" * 64], idle_hours=168))
    assert [each.person.email for each in found.values()] == ["ada@example.org"]


async def test_what_is_snoozed_stays_in_the_archive_of_an_older_version(empty: Database) -> None:
    await schema.upgrade(empty)
    store = await Store(empty).open()
    sent = notification()
    await store.create(sent, ["ada"])
    await store.change("ada", "snooze", ids=[sent.id], until=datetime.now(UTC) + timedelta(days=1))
    await schema.downgrade(empty, "0005")
    await schema.upgrade(empty)
    page = await store.page("ada", "archived")
    assert [(line.id, line.snoozed_until) for line in page.entries] == [(sent.id, None)]


async def test_indexes_that_were_made_before_as_the_upgrade_notes_say_are_taken_as_they_are(
    empty: Database, database: Database
) -> None:
    await schema.upgrade(empty, "0005")
    notes = (schema.migrations().parent / "CHANGELOG.md").read_text()
    statements = re.findall(r"^ *(CREATE INDEX CONCURRENTLY .*?);$", notes, re.MULTILINE | re.DOTALL)
    assert len(statements) == 3
    async with empty.session() as session:
        for statement in statements:
            await session.execute(text(statement.replace(" CONCURRENTLY", "")))  # a test's is in a transaction
    await schema.upgrade(empty)
    assert await describe(empty) == await describe(database)


async def test_two_upgrades_at_once_both_succeed(empty_url: str) -> None:
    databases = [Database(empty_url), Database(empty_url)]
    for database in databases:
        assert await schema.is_empty(database)  # and is connected, so that neither is ahead
    results = await asyncio.gather(*map(schema.upgrade, databases))
    head = await schema.check(databases[0])
    for database in databases:
        await database.close()
    assert {*results} == {(None, head), (head, head)}


async def test_an_upgrade_of_an_up_to_date_database_changes_nothing(store: Store) -> None:
    head = await schema.check(store.database)
    assert await schema.upgrade(store.database) == (head, head)
    assert (await Store(store.database).open()).epoch == store.epoch


async def test_each_database_gets_an_epoch_of_its_own(empty: Database) -> None:
    await schema.upgrade(empty)
    first = (await Store(empty).open()).epoch
    await schema.downgrade(empty, "base")
    await schema.upgrade(empty)
    assert (await Store(empty).open()).epoch != first


async def test_check_refuses_an_empty_database_and_says_what_to_run(empty: Database) -> None:
    with pytest.raises(SchemaError, match=r"at revision nothing.* run: notifs db upgrade"):
        await schema.check(empty)
    assert await schema.is_empty(empty)


async def at(database: Database, revision: str) -> None:
    """Let it be at some other revision."""
    async with database.session() as session:
        await session.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '{revision}'"))


@pytest.mark.parametrize(("revision", "cure"), [("0000", "run: notifs db upgrade"), ("1001", "install its newer")])
async def test_check_refuses_an_older_schema_and_one_that_is_too_new(
    database: Database, revision: str, cure: str
) -> None:
    await at(database, revision)
    with pytest.raises(SchemaError, match=rf"at revision {revision}.* needs 0\d\d\d; {cure}"):
        await schema.check(database)


async def test_old_code_works_on_with_a_schema_to_which_something_was_added(database: Database) -> None:
    await at(database, "0999")
    assert await schema.check(database) == "0999"
    assert await schema.upgrade(database) == ("0999", "0999")


async def test_old_code_does_not_touch_a_schema_from_which_something_was_taken(database: Database) -> None:
    await at(database, "1001")
    with pytest.raises(SchemaError, match="install its newer version"):
        await schema.upgrade(database)


def test_revisions_are_numbers_of_four_digits() -> None:
    for script in ScriptDirectory(str(schema.migrations())).walk_revisions():
        assert len(script.revision) == 4
        assert script.revision.isdecimal()


async def test_check_waits_for_a_migration_that_is_running(empty: Database, empty_url: str) -> None:
    other = Database(empty_url)
    async with schema.alone(other) as connection:
        _, head = await connection.run_sync(schema.migrate)
        checking = asyncio.create_task(schema.check(empty))
        await asyncio.wait([checking], timeout=0.5)
        assert not checking.done()
    assert await checking == head
    await other.close()


async def test_a_migration_may_take_its_time(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("BUSY_SECONDS", "STATEMENT_SECONDS", "SILENCE_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(engines, limit, 0.3)
    slow, other = Database(empty_url), Database(empty_url)
    async with schema.alone(slow) as connection:
        waiting = asyncio.create_task(schema.upgrade(other))
        await asyncio.sleep(1)
        _, head = await connection.run_sync(schema.migrate)
        assert not waiting.done()
    assert await waiting == (head, head)
    await slow.close()
    await other.close()

"""`notifs webhook`: webhooks are made, shown, tried and removed from a terminal."""

import re

import pytest

from notifs import Notifs
from tests.cli.conftest import Folder, Main

URL = "https://example.org/hook"


async def test_a_webhook_is_made_listed_and_removed(notifs: Notifs, folder: Folder) -> None:
    made = await folder.run("webhook", "add", URL, "--event", "created", "--event", "notification.read")
    assert made.status == 0
    found = re.fullmatch(r"added (wh_\w+) for notification\.created, notification\.read; .*\n", made.err)
    assert found is not None
    id, secret = found[1], made.out.strip()
    assert secret == notifs.outbound.secret(id)
    assert (await folder.run("webhook", "secret", id)).out == f"{secret}\n"
    listed = f"{id}  enabled  {URL}  notification.created notification.read\n"
    assert (await folder.run("webhook", "list")).out == listed
    assert (await folder.run("webhook", "disable", id)).out == f"disabled {id}\n"
    assert (await folder.run("webhook", "list")).out == listed.replace("enabled", "disabled")
    assert (await folder.run("webhook", "enable", id)).out == f"enabled {id}\n"
    assert (await folder.run("webhook", "list")).out == listed
    assert (await folder.run("webhook", "remove", id)).out == f"removed {id}\n"
    assert (await folder.run("webhook", "list")).out == ""


async def test_deliveries_are_listed_and_tried_again(notifs: Notifs, folder: Folder) -> None:
    hook = await notifs.outbound.add(URL)
    await notifs.notify(to="ada", title="Hello")
    (told,) = await notifs.store.webhooks.deliveries()
    made = f"{told.created_at:%Y-%m-%dT%H:%M:%SZ}"
    line = f"{told.id}  {hook.id}  {made}  0 attempts  {{}}\n"
    listed = (await folder.run("webhook", "deliveries")).out
    assert re.fullmatch(line.format(r"next try \S+"), listed)
    assert (await folder.run("webhook", "deliveries", "--failed")).out == ""
    await notifs.store.webhooks.disable(hook.id)
    failed = (await folder.run("webhook", "deliveries", "--failed")).out
    assert re.fullmatch(line.format("given up, the webhook was disabled"), failed)
    await notifs.store.webhooks.enable(hook.id)
    again = await folder.run("webhook", "retry", str(told.id))
    assert again.out == f"{told.id} is tried again within a second, where notifs serve runs\n"
    assert [due.id for due in await notifs.store.webhooks.due()] == [hook.id]


@pytest.mark.parametrize(
    ("args", "refusal"),
    [
        (("add", "http://example.org/"), "the address of a webhook: must begin with https://; http is for hosts in"),
        (("add", "https://127.0.0.1/"), "the address of a webhook: leads to 127.0.0.1, which is not outside"),
        (("add", URL, "--event", "deleted"), "events: notification.deleted; there are notification.created, "),
        (("remove", "wh_1"), "there is no webhook wh_1"),
        (("secret", "wh_1"), "there is no webhook wh_1"),
        (("retry", "x"), "there is no delivery x"),
        (("retry", "01a20ecb-d930-7ac2-9217-89579c0be47a"), "there is no delivery 01a20ecb"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(args: tuple[str, ...], refusal: str, notifs: Notifs, main: Main) -> None:
    assert main("webhook", *args).refusal.startswith(refusal)

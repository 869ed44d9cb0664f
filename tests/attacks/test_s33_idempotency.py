"""S33: an idempotency key is its producer's own; another one learns nothing by it, and stands in nobody's way."""

from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer

KEY = {"idempotency-key": "order-7"}


@attack("S33", off="idempotency_keys_are_everybodys")
async def test_another_producers_key_is_a_new_one(target: Target) -> list[str]:
    """The same key with the same body, with another body, and in a batch."""
    ada = await target.person("ada")
    body = {"to": [ada.id], "title": "Order 7 is placed"}
    through = []
    async with producer(target, "shop", "send") as shop, producer(target, "blog", "send") as blog:
        first = await shop.post("/api/v1/notifications", json=body, headers=KEY)
        again = await shop.post("/api/v1/notifications", json=body, headers=KEY)
        assert first.json()["id"] == again.json()["id"], "the key means nothing, so the attack proves nothing"
        same = await blog.post("/api/v1/notifications", json=body, headers=KEY)
        if "idempotency-replayed" in same.headers or same.json().get("id") == first.json()["id"]:
            through.append("the other's answer")
        batch = await blog.post("/api/v1/notifications/batch", json={"items": [{**body, "idempotency_key": "order-7"}]})
        if first.json()["id"] in batch.text:
            through.append("the other's answer, in a batch")
    async with producer(target, "news", "send") as news:
        other = await news.post("/api/v1/notifications", json={**body, "title": "Another"}, headers=KEY)
        if other.status_code != 201:
            through.append(f"that the key was used: {other.text}")
    return through

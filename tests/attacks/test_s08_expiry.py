"""S8: a sign-in that has lasted too long, or that nobody has used, ends with its sockets."""

from datetime import timedelta

from sqlalchemy import update

from notifs.store.models import Session, utcnow
from tests.attacks.arena import Target, attack
from tests.attacks.signed_in import victim


@attack("S8", off="sign_ins_last_for_ever", args=("--workers", "2"))
async def test_a_sign_in_ends_by_itself(target: Target) -> list[str]:
    """Its times in the database are set back, as if they had passed: 14 days since it began, a week without use."""
    past, idle = timedelta(seconds=1), timedelta(hours=target.settings.session_idle_hours, seconds=1)
    times = {"its days": {"expires_at": utcnow() - past}, "its use": {"seen_at": utcnow() - idle}}
    through = []
    for n, (what, values) in enumerate(times.items()):
        async with victim(target, f"ada{n}") as ada:
            async with target.store.database.session() as session:
                await session.execute(update(Session).values(values))
            through += await ada.left(what)
    return through

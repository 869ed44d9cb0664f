"""S18: another site's page signs nobody in, and nobody out."""

from playwright.async_api import Browser

from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.visits import luring, visiting

LURE = """<!doctype html><title>wait</title><iframe name="there"></iframe>
<form method="post" action="{action}" target="there">
<input name="email" value="eve@example.org"><input name="password" value="{password}"><input name="next" value="/">
</form>
<script>
const form = document.forms[0];
onload = async () => {
    const fields = new URLSearchParams(new FormData(form));
    for (const mode of ["no-cors", "cors"]) {
        await fetch("{action}", {method: "POST", credentials: "include", mode, body: fields}).catch(() => null);
    }
    const answered = new Promise(done => document.getElementsByName("there")[0].onload = done);
    form.submit();
    await answered;
    document.title = "done";
};
</script>"""


async def lured(target: Target, browser: Browser, path: str, signed_in: str) -> list[str]:
    """Let a browser come by hostile pages, and say from which of them its person became another one."""
    through, person = [], await target.person(signed_in) if signed_in else None
    lure = LURE.replace("{action}", target.url + path).replace("{password}", PASSWORD)
    async with luring(lure) as lured:
        for name, place in {"the same site": lured.same_site, "another site": lured.other_site}.items():
            async with visiting(browser, target, person) as visit:
                before = await visit.context.cookies(target.url.replace("http:", "https:"))
                await visit.page.goto(place)
                await visit.page.wait_for_function("document.title === 'done'")
                answer = await visit.page.goto(f"{target.url}/notifications/")
                assert answer is not None
                after = await visit.context.cookies(target.url.replace("http:", "https:"))
                if before != after or answer.url.endswith("/notifications/") != (person is not None):
                    through.append(f"{path} from {name}")
    return through


@attack("S18", off="origins_are_not_checked")
async def test_a_visitor_is_not_signed_in_as_somebody_else(target: Target, browser: Browser) -> list[str]:
    """Who does not notice would write into the attacker's account, and be watched there."""
    await target.person("eve")
    return await lured(target, browser, "/login/", "")


@attack("S18", off="origins_are_not_checked")
async def test_a_person_does_not_become_somebody_else(target: Target, browser: Browser) -> list[str]:
    await target.person("eve")
    return await lured(target, browser, "/login/", "ada")


@attack("S18", off="origins_are_not_checked")
async def test_a_person_is_not_signed_out(target: Target, browser: Browser) -> list[str]:
    return await lured(target, browser, "/logout/", "ada")

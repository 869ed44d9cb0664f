"""No requirement is forgotten, no attack proves nothing, and no defence is switched off by nobody."""

import sys

from tests.attacks.defences import DEFENCES
from tests.attacks.requirements import ASVS, LAST, WITHOUT, read
from tests.programs import run
from tests.servers import REPOSITORY, clean_environment

REQUIREMENTS = list(read())


def test_every_requirement_is_attacked_with_its_defence_off_or_says_why_not() -> None:
    attacked = {each.number for each in REQUIREMENTS if each.off}
    assert attacked | WITHOUT.keys() == set(range(1, LAST + 1))
    assert not attacked & WITHOUT.keys()
    assert ASVS.keys() == set(range(1, LAST + 1))


def test_every_requirement_has_one_file() -> None:
    assert [each.number for each in REQUIREMENTS] == list(range(1, LAST + 1))


def test_every_defence_is_one_that_an_attack_switches_off() -> None:
    assert {name for each in REQUIREMENTS for name in each.off} == DEFENCES.keys()


async def test_what_switches_a_defence_off_finds_it_in_its_place() -> None:
    all_of_them = "from tests.attacks import defences; defences.switch_off(','.join(defences.DEFENCES))"
    status, lines = await run([sys.executable, "-c", all_of_them], env=clean_environment(), cwd=REPOSITORY)
    assert status == 0, lines

"""The coin that decides in which slot the chosen response is shown."""

import subprocess
import sys

from openrubrics.data import slot_of_chosen


def test_it_is_the_same_in_every_process() -> None:
    code = "import sys; from openrubrics.data import slot_of_chosen as slot; "
    code += "sys.stdout.write(''.join(slot(str(n), 7) for n in range(64)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert shown == "".join(slot_of_chosen(str(i), 7) for i in range(64))


def test_it_is_balanced_and_depends_on_the_seed() -> None:
    ids = [f"pair/{n}" for n in range(10_000)]
    share = sum(slot_of_chosen(name, 0) == "A" for name in ids) / len(ids)
    moved = sum(slot_of_chosen(name, 0) != slot_of_chosen(name, 1) for name in ids) / len(ids)
    assert abs(share - 0.5) < 0.02
    assert abs(moved - 0.5) < 0.02


def test_seed_and_id_do_not_run_into_each_other() -> None:
    pairs = [("11", 1), ("1", 11), ("1\n1", 1), ("é\ud800", 3)]
    assert {slot_of_chosen(*pair) for pair in pairs} <= {"A", "B"}

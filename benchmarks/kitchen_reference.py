"""All reference action lists of Collab-Overcooked, played in our kitchen: each must serve within the study's optimum.

git clone https://github.com/YusaeMeow/Collab-Overcooked
python benchmarks/kitchen_reference.py Collab-Overcooked

Their recipes, lists and optima are read from the checkout. Exit status 1 where a list does not finish in time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.support.collab_overcooked import orders, steps_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a checkout of github.com/YusaeMeow/Collab-Overcooked")
    late = count = lists = 0
    for order, optimum, kitchen, alternatives in orders(parser.parse_args().checkout):
        steps = [steps_of(kitchen, one) for one in alternatives]
        good = all(one is not None and one <= optimum for one in steps)
        count, lists, late = count + 1, lists + len(steps), late + (not good)
        print(f"{order:<42} optimum {optimum:>3}  {' '.join(map(str, steps))}{'' if good else '  LATE'}")
    print(f"{count} orders, {lists} lists, {late} orders late")
    raise SystemExit(late > 0 or count == 0)


if __name__ == "__main__":
    main()

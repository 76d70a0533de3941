"""The fewest steps of every kind of order, by exhaustive search: what `families/kitchen/optimum.py` keeps as a table.

python benchmarks/kitchen_optimum.py [--levels 1 2 3]

Level 6 takes minutes.
"""

from __future__ import annotations

import argparse
import time

from pytest_collab.families.kitchen import optimum, orders


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, nargs="+", default=list(orders.LEVELS))
    for level in parser.parse_args().levels:
        made = {order.heat: order for order in (orders.order(level, seed) for seed in range(20))}
        for heat, order in sorted(made.items(), reverse=True):
            for counters in (1, 2, 3):
                began = time.perf_counter()
                steps = optimum.fewest_steps(orders.kitchen(order, counters), order)
                took = time.perf_counter() - began
                print(f'    ({level}, "{heat}", {counters}): {steps},  # {took:.1f} s', flush=True)


if __name__ == "__main__":
    main()

"""Connected graphs by shape and seed, after AgentsNet (arXiv 2507.08616): who is a neighbour of whom."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

SHAPES: Final = ("path", "ring", "star", "small_world", "scale_free", "delaunay", "complete")
"""`small_world` is Watts and Strogatz' (4 neighbours each, 40 % of the edges rewired), `scale_free` Barabasi and
Albert's (2 edges for each new node), `delaunay` the triangulation of random points: the study's three."""

Neighbours = tuple[tuple[int, ...], ...]
"""By node, its neighbours in ascending order."""


@lru_cache(maxsize=512)
def connected(shape: str, nodes: int, seed: int) -> Neighbours:
    """A connected graph of `nodes` nodes; which node stands where in its shape is shuffled by the seed."""
    rng = random.Random(f"network:{shape}:{nodes}:{seed}")
    places = list(range(nodes))
    rng.shuffle(places)
    return _neighbours(((places[i], places[j]) for i, j in _edges(shape, nodes, rng)), nodes)


def _edges(shape: str, nodes: int, rng: random.Random) -> Iterable[tuple[int, int]]:
    import networkx as nx

    if shape == "path":
        return [(i, i + 1) for i in range(nodes - 1)]
    if shape == "ring":
        return [(i, (i + 1) % nodes) for i in range(nodes)]
    if shape == "star":
        return [(0, i) for i in range(1, nodes)]
    if shape == "complete" or (shape == "small_world" and nodes <= 4):
        return combinations(range(nodes), 2)
    if shape == "small_world":
        return _of(nx.connected_watts_strogatz_graph(nodes, 4, 0.4, tries=1000, seed=rng))
    if shape == "scale_free":
        return _of(nx.barabasi_albert_graph(nodes, 2, seed=rng))
    return _triangulated(nodes, rng)


def _of(graph: Any) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in graph.edges]


def _triangulated(nodes: int, rng: random.Random) -> list[tuple[int, int]]:
    from scipy.spatial import Delaunay

    points = [(rng.random(), rng.random()) for _ in range(nodes)]
    if nodes == 3:
        return list(combinations(range(3), 2))
    return [(int(a), int(b)) for corners in Delaunay(points).simplices for a, b in combinations(corners, 2)]


def _neighbours(edges: Iterable[tuple[int, int]], nodes: int) -> Neighbours:
    near: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    return tuple(tuple(sorted(own)) for own in near)


def distances(near: Sequence[Sequence[int]], start: int) -> tuple[int, ...]:
    """Hops from `start` to every node of a connected graph."""
    found, waiting = {start: 0}, deque([start])
    while waiting:
        node = waiting.popleft()
        for other in near[node]:
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return tuple(found[node] for node in range(len(near)))


def diameter(near: Sequence[Sequence[int]]) -> int:
    """The most hops between two nodes."""
    return max(max(distances(near, node)) for node in range(len(near)))


def edges(near: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    """Every edge once, the lower node first."""
    return tuple((a, b) for a, own in enumerate(near) for b in own if a < b)

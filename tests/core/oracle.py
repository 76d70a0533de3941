"""What networkx says of a maze: the independent opinion that the kernels are held against."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import numpy as np


def graph(free_rows: Iterable[int], size: int) -> nx.Graph:
    """The free cells, numbered row by row, joined where they share a side."""
    free = {row * size + column for row, bits in enumerate(free_rows) for column in range(size) if bits >> column & 1}
    joined = nx.Graph()
    joined.add_nodes_from(free)
    for cell in free:
        if (cell + 1) % size and cell + 1 in free:
            joined.add_edge(cell, cell + 1)
        if cell + size in free:
            joined.add_edge(cell, cell + size)
    return joined


def distances(maze: nx.Graph, source: int, size: int) -> np.ndarray:
    """Moves from the source to every cell, -1 where no path leads."""
    moves = np.full(size * size, -1)
    for cell, length in nx.single_source_shortest_path_length(maze, source).items():
        moves[cell] = length
    return moves.reshape(size, size)


def count_shortest_paths(maze: nx.Graph, start: int, goal: int) -> int:
    """How many shortest paths there are; 0 if there is no path."""
    length = nx.single_source_shortest_path_length(maze, start)
    if goal not in length:
        return 0
    before = nx.predecessor(maze, start)
    counts = {start: 1}
    for cell in sorted(before, key=length.__getitem__):
        if cell != start:
            counts[cell] = sum(counts[previous] for previous in before[cell])
    return counts[goal]


def dead_ends_near(maze: nx.Graph, path: list[int], reach: int) -> int:
    """Cells with one neighbour, neither first nor last of the path, at most `reach` moves from it."""
    near = nx.multi_source_dijkstra_path_length(maze, set(path), cutoff=reach)
    return sum(maze.degree(cell) == 1 and cell not in (path[0], path[-1]) for cell in near)

"""Studies played again: their protocol as tasks, their printed figures as data, and the table that holds both.

A study is a file in `studies/`, its figures are in `figures.yaml`. Playing goes through the
plugin like everything else.
"""

"""What a model is for: one module or folder for each task, found by its name, which is what cards call it.

A task owns what differs between kinds of model; the stages ask it by the functions that ``_task.Task`` lists, and never
which one it is. What its module imports at its top is light: a device opens a model through it.
"""

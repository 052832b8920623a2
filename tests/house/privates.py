"""
Names that begin with one underscore belong to the module that defines them.

A class may read the private names of its own module. It may read those of ``self``, ``cls`` and ``super()``
wherever they are defined. The check reads the source alone, so it does not know the class of an object: a
name that this module defines too is taken for its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Final

from tests.house.source import Breach, Module, Tree

__all__ = ["private_imports", "private_overrides", "private_use"]

OF_OTHERS: Final = {
    "_getframe": "sys: the names around a class body are found in no other way; Python documents it",
    "_current_frames": "sys: the watchdog shows where a thread is; Python documents it",
    "_is_text_encoding": "codecs: Python has no public word for an encoding that is not of text",
    "_asyncioEventloop": "Twisted's asyncio reactor has no public name for its loop",
    "_temporaryObserver": "Twisted's logger has no public word for a program without a log",
    "_observers": "the same: nothing else tells that a program has added an observer of its own",
    "_type": "Twisted's ports have no public name for the word TCP or TLS that they log",
    "_fromListeningDescriptor": "Twisted's ports adopt a socket in no other way",
}
"""Private names of Python and Twisted that have no public counterpart, with the reason for each."""

_BY_NAME: Final = {"getattr", "setattr", "hasattr", "delattr", "__setattr__", "__getattribute__"}


def _is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__") and name != "_"


def private_use(tree: Tree) -> Iterator[Breach]:
    """Find private names that are read or set on objects of other modules, also by ``getattr``."""
    for module in tree:
        own = defined(module)
        selves = _selves(module)
        for node in ast.walk(module.tree):
            for owner, name in _accesses(node):
                shown = f"{ast.unparse(owner)}.{name}"
                if not _is_private(name) or name in own or name in OF_OTHERS or _is_self(owner, selves):
                    continue
                yield module.breach(
                    owner.lineno,
                    f"uses {shown}",
                    "a private name is used in the module that defines it",
                    f"give the class a public name for it, or move this code to the class that has {name}",
                )


def _accesses(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """The object and the attribute of each access that a node makes."""
    match node:
        case ast.Attribute(value=value, attr=name):
            yield value, name
        case ast.Call(
            func=ast.Name(id=function) | ast.Attribute(attr=function),
            args=[value, ast.Constant(value=str(name)), *_],
        ) if function in _BY_NAME:
            yield value, name


@cache
def _selves(module: Module) -> set[int]:
    """The identities of the nodes ``self`` and ``cls`` in classes. Outside, they are plain arguments."""
    return {
        id(node)
        for each in ast.walk(module.tree)
        if isinstance(each, ast.ClassDef)
        for node in ast.walk(each)
        if isinstance(node, ast.Name) and node.id in ("self", "cls")
    }


def _is_self(owner: ast.expr, selves: set[int]) -> bool:
    match owner:
        case ast.Name():
            return id(owner) in selves
        case ast.Attribute(value=value, attr="__class__"):
            return _is_self(value, selves)
        case ast.Call(func=ast.Name(id="super")):
            return True
        case ast.Call(func=ast.Name(id="type"), args=[value]):
            return _is_self(value, selves)
    return False


def defined(module: Module) -> set[str]:
    """Return the names that a module defines: variables, functions, and attributes of classes."""
    names = set()
    selves = _selves(module)
    for node in ast.walk(module.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=value, attr=name, ctx=ast.Store()) if _is_self(value, selves):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=slots):
                names.update(str(each.value) for each in ast.walk(slots) if isinstance(each, ast.Constant))
    return names


def private_imports(tree: Tree) -> Iterator[Breach]:
    """Find private names that are imported from other modules."""
    for module in tree:
        for each in module.imports:
            if _is_private(each.name) and f"{each.module}.{each.name}" not in tree.modules:
                yield module.breach(
                    each.line,
                    f"imports {each.name} from {each.module}",
                    "a private name is used in the module that defines it",
                    "make the name public there, without the underscore",
                )


def private_overrides(tree: Tree) -> Iterator[Breach]:
    """Find private methods and class attributes that replace one of a base class in another module."""
    for module in tree:
        for owner in module.tree.body:
            if isinstance(owner, ast.ClassDef):
                inherited = _inherited(tree, module, owner, set())
                for name, line in _members(owner).items():
                    if name in inherited:
                        yield module.breach(
                            line,
                            f"{owner.name} replaces {name} of {inherited[name]}",
                            "a class replaces only public methods of a base class from another module",
                            "give the method a public name in the base class, or pass a function to it",
                        )


def _members(owner: ast.ClassDef) -> dict[str, int]:
    """The private names that a class body defines, each with its line."""
    found = {}
    for node in owner.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = node.lineno
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = node.lineno
    return {name: line for name, line in found.items() if _is_private(name)}


def _inherited(tree: Tree, module: Module, owner: ast.ClassDef, seen: set[str]) -> dict[str, str]:
    """The private members of all base classes in other modules, each with the full name of its class."""
    found: dict[str, str] = {}
    for base in owner.bases:
        home, other = _class_named(tree, module, ast.unparse(base).partition("[")[0])
        if home is None or other is None or f"{home.name}.{other.name}" in seen:
            continue
        seen.add(f"{home.name}.{other.name}")
        if home is not module:
            found |= dict.fromkeys(_members(other), f"{home.name}.{other.name}")
        found |= _inherited(tree, home, other, seen)
    return {name: full for name, full in found.items() if not full.startswith(f"{module.name}.")}


def _class_named(tree: Tree, module: Module, name: str) -> tuple[Module | None, ast.ClassDef | None]:
    """Return the class of a name in a module, and the module that defines it; None if it is not here."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
    prefix, _, last = name.rpartition(".")
    for each in module.imports:
        if each.here == (prefix or name):
            home = tree.modules.get(tree.defining(each) or "")
            if home is not None and home is not module:
                return _class_named(tree, home, last if prefix else each.name or last)
    return None, None

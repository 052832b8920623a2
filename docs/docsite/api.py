"""
The pages about each public name, made from the list of names in ``docs/reference/api.md``.

That page has a section for each module, in which ``python -m tests.docs.api`` writes tables of names. Each
table becomes a page of the site, with the docstrings and the types of its names. Types and docstrings name
many classes that are not public: they stay text, but a name that does not exist at all is a warning.
"""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from attrs import Factory, frozen
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import find_pending_xref_condition

from docsite.markdown import slug

__all__ = ["PAGE", "Names", "ResolveNames", "add_links", "keep_public_bases", "name_interfaces"]

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The folder of the project."""

PAGE: Final = "docs/reference/api.md"

_PART: Final = re.compile(r"<!-- written by [^\n]+: names -->\n(.*?)<!-- end of names -->", re.DOTALL)
_INTERFACE: Final = re.compile(r"<InterfaceClass ([\w.]+)>")
_ROW: Final = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@frozen
class Table:
    """The names of one table, which has one page of the site."""

    module: str
    title: str
    names: list[str]

    @property
    def page(self) -> str:
        """The name of its page."""
        _, _, group = self.title.partition(": ")
        return f"reference/api/{self.module}{'-' if group else ''}{slug(group)}"


@frozen
class Names:
    """The public names, as the list has them."""

    tables: list[Table]
    public: dict[str, str] = Factory(dict)
    """The public name of each class and function, by the full name of its definition."""

    explained: set[type] = Factory(set)
    """The classes with members on a page that is made already."""

    @classmethod
    def of(cls, text: str) -> Names:
        """Read the list of names."""
        names = cls([*_tables(text)])
        for table in names.tables:
            for name in table.names:
                value = getattr(import_module(table.module), name)
                if place := _place_of(value):
                    names.public.setdefault(place, f"{table.module}.{name}")
        return names

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the text of each page about them, in reStructuredText."""
        for table in self.tables:
            lines = [table.title, "=" * len(table.title), "", f".. py:currentmodule:: {table.module}", ""]
            for name in table.names:
                lines += [*self._directive(table.module, name), ""]
            yield table.page, "\n".join(lines)

    def _directive(self, module: str, name: str) -> list[str]:
        value = getattr(import_module(module), name)
        if inspect.isclass(value):
            # A page does not repeat the members of a base that it, or another project, has explained.
            bases = [each for each in value.__mro__[1:] if self._has_page(each) or each in self.explained]
            self.explained.update(value.__mro__)
            shown = [each for each in value.__bases__ if each is not object and self._has_page(each)]
            return [
                f".. {'autoexception' if issubclass(value, BaseException) else 'autoclass'}:: {name}",
                "   :members:",
                f"   :inherited-members: {', '.join(each.__name__ for each in bases)}",
                *(["   :show-inheritance:"] if shown else []),
            ]
        if inspect.isroutine(value) or hasattr(value, "__wrapped__"):
            return [f".. autofunction:: {name}"]
        return [f".. autodata:: {name}", "   :no-value:"]

    def _has_page(self, base: type) -> bool:
        return not base.__module__.startswith("tcpcomm.") or _place_of(base) in self.public


def add_links(text: str) -> str:
    """Return the list of names with a link from each name to its page, and with these pages below it."""
    part = _PART.search(text)
    assert part is not None
    sections = []
    for section in re.split(r"^(?=## )", part[1], flags=re.MULTILINE):
        module = section.removeprefix("## ").partition("\n")[0]
        sections.append(_ROW.sub(rf"| {{py:obj}}`\1 <{module}.\1>` |", section))
    tree = "".join(f"/{table.page}\n" for table in _tables(text))
    sections.append(f"\n```{{toctree}}\n:hidden:\n\n{tree}```\n\n")
    return f"{text[: part.start(1)]}{''.join(sections)}{text[part.end(1) :]}"


class ResolveNames(SphinxPostTransform):
    """
    Resolve the names in docstrings and signatures as their own modules mean them, before Sphinx guesses.

    A public name becomes a link, and any other that exists becomes text. The rest is left to Sphinx, which
    warns of names that it does not find.
    """

    default_priority = 5  # Sphinx resolves references at 10

    def run(self, **_: Any) -> None:
        for node in [*self.document.findall(addnodes.pending_xref)]:
            if node.get("refdomain") == "py" and (signature := _signature(node)) is not None:
                value = _found(node["reftarget"], signature)
                if value is not None:
                    node.replace_self(self._link(node, self._public(value, node, signature)))
                elif not isinstance(node[0], nodes.literal):  # a type, which Python and mypy have checked
                    node.replace_self(_text(node))

    def _public(self, value: Any, node: Any, signature: Any) -> str:
        """Return the full name under which a value is public, if it is."""
        public = _names().public
        place = _place_of(value)
        holder, _, member = place.rpartition(".")
        if place in public:
            return str(public[place])
        if holder in public:
            return f"{public[holder]}.{member}"
        return f"{signature['module']}.{node['reftarget']}"  # a constant

    def _link(self, node: Any, name: str) -> Any:
        """Return a link to a name, or its text if no page has it."""
        domain = self.env.get_domain("py")
        text = _text(node)
        return (
            domain.resolve_xref(self.env, self.env.docname, self.app.builder, "obj", name, node, text)
            or text
        )


@cache
def _names() -> Names:
    return Names.of((PROJECT / PAGE).read_text("utf-8"))


def keep_public_bases(app: Any, name: str, value: Any, options: Any, bases: list[Any]) -> None:
    """Have a class show those of its bases only that are public, or not of this project and not object."""
    public = _names().public
    bases[:] = [
        each
        for each in bases
        if each is not object
        and (not str(each.__module__).startswith("tcpcomm.") or _place_of(each) in public)
    ]


def name_interfaces(*event: Any) -> tuple[str | None, ...]:
    """Name the interfaces of Twisted in a signature and its result, the last two values of an event."""
    return tuple(text and _INTERFACE.sub(r"~\1", text) for text in event[-2:])


def _tables(text: str) -> Iterator[Table]:
    part = _PART.search(text)
    assert part is not None, f"{PAGE} has no part called names"
    for section in re.split(r"^## ", part[1], flags=re.MULTILINE)[1:]:
        module, _, rest = section.partition("\n")
        for group in re.split(r"^### ", rest, flags=re.MULTILINE):
            heading, _, _ = group.partition("\n")
            if names := _ROW.findall(group):
                yield Table(module, f"{module}: {heading}" if "\n### " in rest else module, names)


def _place_of(value: Any) -> str:
    """Return the full name under which a class or function is defined, or an empty text."""
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name and getattr(value, "__module__", None) else ""


def _text(node: Any) -> Any:
    """Return the text of a reference that is shown if it has a target, without the module."""
    shown = find_pending_xref_condition(node, "resolved")
    return node[0] if shown is None else shown.children[0]


def _signature(node: Any) -> Any:
    """Return the signature in which, or below which, a reference stands; None outside of all."""
    while node is not None and not isinstance(node, addnodes.desc):
        node = node.parent
    return None if node is None else node[0]


def _found(target: str, signature: Any) -> Any:
    """Return the object that a name means in a docstring or a signature, or None."""
    for scope in _scopes(signature):
        value = scope
        for name in target.split("."):
            value = _member(value, name)
            if value is None:
                break
        else:
            return value
    return _imported(target)


def _scopes(signature: Any) -> Iterator[Any]:
    """Yield where a docstring looks for its names: its class, the classes around, its modules, Python."""
    value: Any = import_module(signature["module"])
    scopes = [value]
    for name in signature["fullname"].split("."):
        value = _member(value, name)
        if value is not None:
            scopes.append(value)
    bases = [base for each in scopes if inspect.isclass(each) for base in each.__mro__]
    homes = [getattr(each, "__module__", None) for each in (*scopes, *bases)]
    yield from reversed(scopes)
    yield from bases
    yield from map(import_module, dict.fromkeys(each for each in homes if isinstance(each, str)))
    yield from (import_module("tcpcomm"), builtins)


def _member(value: Any, name: str) -> Any:
    """Return an attribute, or the type of one that only instances have; None if there is none."""
    found = getattr(value, name, None)
    if found is None and inspect.isclass(value):
        for base in value.__mro__:
            annotated = inspect.get_annotations(base)
            if name in annotated or name in getattr(base, "__slots__", ()):
                return annotated.get(name, base)
    return found


def _imported(target: str) -> Any:
    """Return the object of a full name, or None."""
    parts = target.split(".")
    for count in range(len(parts), 0, -1):
        try:
            value: Any = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for name in parts[count:]:
            value = _member(value, name)
        return value
    return None

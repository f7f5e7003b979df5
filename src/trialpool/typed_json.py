"""Result objects as JSON and back: what a class declares is written, and nothing else is read.

The annotations of a frozen dataclass are its format. A `float` may be missing: NaN in memory, null
in JSON. Any other field may be null only where its type allows None; one with the metadata
MAY_BE_ABSENT is left out while it is None. Members of an enumeration go by their names. Of several
classes an object is the one whose choices (`Literal`) and then whose fields it has. Floats are
rounded as in all JSON (`tables.write_json`).
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, reduce
from inspect import cleandoc
from math import nan
from operator import or_
from pathlib import Path
from typing import (
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import numpy as np

from trialpool import tables
from trialpool.results import TrialpoolError

T = TypeVar("T")

# For `field(default=None, metadata=MAY_BE_ABSENT)`.
MAY_BE_ABSENT: Mapping[Any, Any] = {"may be absent": True}
_PLAIN: dict[Any, tuple[str, str]] = {str: ("string", "text"), bool: ("boolean", "true or false"),
                                      int: ("integer", "a whole number")}  # fmt: skip
_NUMBER = {"type": ["number", "null"]}


def write(path: Path | str, value: Any) -> None:
    """Write a result object as JSON."""
    tables.write_json(path, to_json(value))


@overload
def read(path: Path | str, cls: type[T]) -> T: ...
@overload
def read(path: Path | str, cls: types.UnionType) -> Any: ...
def read(path: Path | str, cls: Any) -> Any:
    """Read a result object this module wrote, of a class or of one of several.

    Raises
    ------
    TrialpoolError
        with the file, the dotted field and what is wrong: not readable, a field missing or not
        known, a value of another type
    """
    try:
        value = tables.read_json(path)
    except ValueError as error:
        raise TrialpoolError(f"{path}: not readable ({error})") from None
    return from_json(cls, value, f"{path}")


def to_json(value: Any) -> Any:
    """A result object as dictionaries, lists and plain values; floats are not rounded yet."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_json(part)
            for f in fields(value)
            if (part := getattr(value, f.name)) is not None or not _may_be_absent(f)
        }
    if isinstance(value, Mapping):
        return {key: to_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    return value.name.lower() if isinstance(value, Enum) else value


@overload
def from_json(cls: type[T], value: Any, at: str = "") -> T: ...
@overload
def from_json(cls: types.UnionType, value: Any, at: str = "") -> Any: ...
def from_json(cls: Any, value: Any, at: str = "") -> Any:
    """The result object that JSON holds; `at` says where it stands.

    Raises
    ------
    TrialpoolError
        where a field is missing or not known, or a value has another type
    """
    return _read(cls, value, at)


def schema(cls: type[Any] | types.UnionType) -> dict[str, Any]:
    """The JSON schema of a class, or of one of several, with a definition for each inside.

    Draft 2020-12.
    """
    made: dict[str, Any] = {}
    classes = _options(cls)
    top = _described(cls, made) if len(classes) == 1 else _form(cls, made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": " or ".join(each.__name__ for each in classes),
        **top,
        "$defs": dict(sorted(made.items())),
    }


def schema_text(cls: type[Any] | types.UnionType) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(cls), indent=1, ensure_ascii=False) + "\n"


def _may_be_absent(declared: Field[Any]) -> bool:
    return bool(declared.metadata == MAY_BE_ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One field of a class."""

    hint: Any
    may_be_absent: bool


@cache
def _parts(cls: Any) -> dict[str, _Part]:
    hints = get_type_hints(cls)
    parts = {}
    for f in fields(cls):
        hint, absent = hints[f.name], _may_be_absent(f)
        if absent:
            # Left out is the one way to say None.
            hint = reduce(or_, _options(hint)[:-1])
        parts[f.name] = _Part(hint=hint, may_be_absent=absent)
    return parts


def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union, None last; a type that is none is its only member."""
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return tuple(sorted(members, key=lambda member: member is types.NoneType))


def _wrong(at: str, wanted: str, value: Any) -> TrialpoolError:
    return TrialpoolError(f"{at}: {wanted} is needed, not {json.dumps(value)[:40]}")


def _read(hint: Any, value: Any, at: str) -> Any:
    options = _options(hint)
    if value is None and options[-1] is types.NoneType:
        return None
    kinds = [option for option in options if option is not types.NoneType]
    if len(kinds) > 1:
        return _read(_which(kinds, value, at), value, at)
    return _read_one(kinds[0], value, at)


def _which(classes: list[Any], value: Any, at: str) -> Any:
    """The class of a union whose choices and fields an object has."""
    if not isinstance(value, Mapping):
        raise _wrong(at, "an object", value)
    for name in _choices_of_all(classes):
        if name in value:
            words = {cls: list(_words(_parts(cls)[name].hint)) for cls in classes}
            fitting = [cls for cls in classes if value[name] in words[cls]]
            if not fitting:
                every = dict.fromkeys(word for of_class in words.values() for word in of_class)
                raise _no_choice(f"{at}, {name}", every, value[name])
            classes = fitting
    for cls in classes:
        known = _parts(cls)
        needed = {name for name, part in known.items() if not part.may_be_absent}
        if needed <= set(value) <= set(known):
            return cls
    # None fits: the class that shares most says what is wrong.
    return max(classes, key=lambda cls: len(set(_parts(cls)) & set(value)))


def _choices_of_all(classes: list[Any]) -> list[str]:
    """The fields that each of the classes declares as a choice of words."""
    of_each = [
        {name for name, part in _parts(cls).items() if get_origin(part.hint) is Literal}
        for cls in classes
    ]
    return sorted(set.intersection(*of_each))


def _no_choice(at: str, words: Iterable[Any], value: Any) -> TrialpoolError:
    return _wrong(at, " or ".join(map(repr, words)), value)


def _read_one(hint: Any, value: Any, at: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _read_object(cast(Any, hint), value, at)
    if origin is Literal or _is_enum(hint):
        words = _words(hint)
        if value not in list(words):  # a list, which has no hash, is refused as well
            raise _no_choice(at, words, value)
        return words[value]
    if hint is float:
        if value is None:
            return nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(at, "a number", value)
        return float(value)
    if hint in _PLAIN:
        if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
            raise _wrong(at, _PLAIN[hint][1], value)
        return value
    if origin is np.ndarray:
        return np.array(_read(tuple[float, ...], value, at))
    if origin is tuple:
        return tuple(_read_items(inner, value, at))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(at, "an object", value)
        return {name: _read(inner[1], part, f"{at}, {name}") for name, part in value.items()}
    if hint is Any:
        return value
    raise TypeError(f"{at}: {hint} has no form in JSON")


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


def _words(hint: Any) -> dict[str, Any]:
    """What the words of a choice stand for; members of an enumeration go by their names."""
    if _is_enum(hint):
        return {member.name.lower(): member for member in hint}
    return {word: word for word in get_args(hint)}


def _read_object(cls: Any, value: Any, at: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(at, "an object", value)
    known = _parts(cls)
    for name in value:
        if name not in known:
            raise TrialpoolError(f"{at}, {name}: the field is not known")
    for name, part in known.items():
        if name not in value and not part.may_be_absent:
            raise TrialpoolError(f"{at}, {name}: the field is missing")
    return cls(**{n: _read(known[n].hint, part, f"{at}, {n}") for n, part in value.items()})


def _read_items(inner: tuple[Any, ...], value: Any, at: str) -> Iterator[Any]:
    if not isinstance(value, list):
        raise _wrong(at, "a list", value)
    hints = [inner[0]] * len(value) if inner[1:] == (...,) else list(inner)
    if len(hints) != len(value):
        raise _wrong(at, f"a list of {len(hints)}", value)
    for i, (hint, item) in enumerate(zip(hints, value, strict=True)):
        yield _read(hint, item, f"{at}[{i}]")


def _described(cls: Any, made: dict[str, Any]) -> dict[str, Any]:
    """The schema of one class; those of the classes inside it go to `made`."""
    parts = _parts(cls)
    return {
        "description": " ".join(cleandoc(cls.__doc__ or "").split()),
        "type": "object",
        "properties": {name: _form(part.hint, made) for name, part in parts.items()},
        "required": [name for name, part in parts.items() if not part.may_be_absent],
        "additionalProperties": False,
    }


def _form(hint: Any, made: dict[str, Any]) -> dict[str, Any]:
    options = _options(hint)
    if len(options) > 1:
        return {"anyOf": [_form(option, made) for option in options]}
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        cls = cast(Any, hint)
        if cls.__name__ not in made:
            made[cls.__name__] = {}
            made[cls.__name__] = _described(cls, made)
        return {"$ref": f"#/$defs/{cls.__name__}"}
    if hint is types.NoneType:
        return {"type": "null"}
    if origin is Literal or _is_enum(hint):
        return {"enum": list(_words(hint))}
    if hint is float:
        return dict(_NUMBER)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint][0]}
    if origin is np.ndarray:
        return {"type": "array", "items": dict(_NUMBER)}
    if origin is tuple:
        if inner[1:] == (...,):
            return {"type": "array", "items": _form(inner[0], made)}
        return {
            "type": "array",
            "prefixItems": [_form(each, made) for each in inner],
            "minItems": len(inner),
            "maxItems": len(inner),
        }
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _form(inner[1], made)}
    if hint is Any:
        return {}
    raise TypeError(f"{hint} has no form in JSON")

"""CloudFormation's templates: what exists under which conditions, and what refers to what."""

import re
from collections.abc import Collection, Iterator
from typing import Any

type Template = dict[str, Any]
type Resources = dict[str, Any]


def deployed(template: Template, true: Collection[str]) -> Resources:
    """The resources that exist if these conditions are true and the others false."""
    return {
        name: resolved(resource, true)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or resource["Condition"] in true
    }


def resolved(value: Any, true: Collection[str]) -> Any:
    """A piece of the template without `Fn::If` and `AWS::NoValue`."""
    match value:
        case {"Fn::If": [condition, if_true, if_false]}:
            return resolved(if_true if condition in true else if_false, true)
        case dict():
            pieces = {key: resolved(piece, true) for key, piece in value.items()}
            return {key: piece for key, piece in pieces.items() if piece != {"Ref": "AWS::NoValue"}}
        case list():
            return [resolved(piece, true) for piece in value]
    return value


def references(value: Any) -> Iterator[str]:
    """The names of the resources and parameters that a piece of the template refers to."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            yield name
        case {"Fn::Sub": [text, names]}:
            yield from set(references({"Fn::Sub": text})) - names.keys()
            yield from references(names)
        case {"Fn::Sub": text}:
            yield from re.findall(r"\$\{([\w:]+)", text)
        case dict():
            yield from references([*value.values()])
            depends_on = value.get("DependsOn", [])
            yield from [depends_on] if isinstance(depends_on, str) else depends_on
        case list():
            for piece in value:
                yield from references(piece)

"""Reads an OpenAPI document and answers of the service it describes from standard input, and says which
answers are not as described. A field that no schema names is wrong, too: nobody would know of it."""

import json
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

given = json.load(sys.stdin)
document = given["document"]
# A reference into a schema that stands by itself is one into the whole document.
registry = Registry().with_resource("", Resource.from_contents(document, DRAFT202012))


def resolved(part):
    while "$ref" in part:
        found = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def strict(schema, whole=True):
    """The same with nothing in objects that no schema names, but where anything may be."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return strict(resolved(schema), whole)
    made = dict(schema)
    for many in ("allOf", "anyOf", "oneOf"):
        if many in made:
            made[many] = [strict(one, False) for one in made[many]]
    if "properties" in made:
        made["properties"] = {name: strict(one) for name, one in made["properties"].items()}
    if isinstance(made.get("items"), dict):
        made["items"] = strict(made["items"])
    if whole and ("properties" in made or "allOf" in made) and "additionalProperties" not in made:
        made["unevaluatedProperties"] = False
    return made


wrong, seen = 0, set()
for answer in given["answers"]:
    method, path, status = answer["method"], answer["path"], answer["status"]
    operation = document["paths"][path][method]
    seen.add((method, path))
    told = operation["responses"].get(str(status)) or operation["responses"].get("default")
    if told is None:
        wrong += 1
        print(f"{method} {path}: {status} is not described")
        continue
    content = resolved(told).get("content")
    if content is None:
        if answer["body"] is not None:
            wrong += 1
            print(f"{method} {path} {status}: a body that is not described")
        continue
    if answer["body"] is None:
        continue
    kind = answer["type"].split(";")[0]
    if kind not in content:
        wrong += 1
        print(f"{method} {path} {status}: {kind} is not described")
        continue
    validator = Draft202012Validator(
        strict(content[kind]["schema"]),
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    for error in validator.iter_errors(answer["body"]):
        wrong += 1
        print(f"{method} {path} {status}: {error.json_path}: {error.message}")
for path, methods in document["paths"].items():
    for method in methods:
        if path.startswith(tuple(given["complete"])) and (method, path) not in seen:
            wrong += 1
            print(f"{method} {path} was not asked")
print(f"{len(given['answers'])} answers of {len(seen)} operations")
sys.exit(wrong > 0)

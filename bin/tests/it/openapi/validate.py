"""Reads an OpenAPI document from standard input, and says what is wrong with it: the document
itself, and every example that its own schema does not take."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

document = json.load(sys.stdin)
OpenAPIV31SpecValidator(document).validate()

registry = Registry().with_resource("", Resource.from_contents(document, DRAFT202012))
examples = wrong = 0
for path, methods in document["paths"].items():
    for method, operation in methods.items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        Draft202012Validator.check_schema(content.get("schema", {}))
        if "example" not in content:
            print(f"{method} {path} has no example") if content else None
            wrong += bool(content)
            continue
        examples += 1
        validator = Draft202012Validator(
            content["schema"], registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        for error in validator.iter_errors(content["example"]):
            wrong += 1
            print(f"{method} {path}: {error.json_path}: {error.message}")
for name, schema in document["components"]["schemas"].items():
    Draft202012Validator.check_schema(schema)
print(f"{len(document['paths'])} paths, {examples} examples")
sys.exit(wrong > 0)

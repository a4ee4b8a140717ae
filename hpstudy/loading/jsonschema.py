"""The JSON Schema of study files, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from hpstudy.registry import Registry
from hpstudy.search import SEARCHERS
from hpstudy.study.include import BLOCKS, FROM, SCALES
from hpstudy.study.schema import COMMAND, SearchBlock, Study
from hpstudy.tasks import TASKS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULL = {"type": "null"}
SCALES_DESCRIPTION = "Overlays of this study by name; `hpstudy run STUDY --scale NAME` runs the study with one applied."
PATH = {"type": "string", "description": "The path of a YAML file that contains the block, relative to this file."}


def study_schema() -> Schema:
    """The schema of a study file as written, before its includes are resolved.

    Every block X that may come from a file has three forms: the block itself (definition X), the path of a file, and `from` with the keys
    to override (definition X.from, where every key may be absent, or null to be removed). The settings of built-in tasks and searchers are
    included; those of a user's own task are unknown.
    """
    study = Study.model_json_schema()
    definitions: Schema = study.pop("$defs")
    definition_of = {block: study["properties"][block]["$ref"].rpartition("/")[2] for block in BLOCKS}
    # Pydantic makes the tag of the first alternative optional; a study file requires it.
    definitions["FloatParameter"]["required"].insert(0, "type")
    _add_settings(definitions, "TaskBlock", "use", TASKS, default=None)
    _add_settings(definitions, "SearchBlock", "searcher", SEARCHERS, default=SearchBlock.model_fields["searcher"].default)
    _add_settings(definitions, "OtherSearcher", "searcher", SEARCHERS, default=None)
    for name in [*definitions]:
        definitions[f"{name}.override"] = _override(definitions[name])
    for name in (*definition_of.values(), "View"):
        definitions[f"{name}.from"] = _with_from(definitions[f"{name}.override"])
    over = _with_from(_override(study))
    for properties, suffix in ((study["properties"], ""), (over["properties"], ".override")):
        for block in BLOCKS:
            properties[block] = _alternatives(properties[block], definition_of[block], suffix)
        views = properties["views"]["anyOf"][0] if suffix else properties["views"]
        (pattern,) = views.pop("patternProperties")
        views["propertyNames"] = {**views.get("propertyNames", {}), "pattern": pattern}
        views["additionalProperties"] = _alternatives({}, "View", suffix)
    overlay = {key: value for key, value in over.items() if key != "required"}
    forms: list[Schema] = [{"$ref": "#/$defs/Study.overlay"}, PATH]
    overlays: Schema = {"type": "object", "description": SCALES_DESCRIPTION, "additionalProperties": {"anyOf": forms}}
    loose = {"anyOf": [{**overlays, "additionalProperties": {"anyOf": [*forms, NULL]}}, NULL]}
    study["properties"] = {**study["properties"], SCALES: overlays}
    over["properties"] = {**over["properties"], SCALES: loose}
    definitions |= {"Study": study, "Study.from": over, "Study.overlay": overlay}
    return {
        "$schema": DIALECT,
        "title": "hpstudy study file",
        "if": {"required": [FROM]},
        "then": {"$ref": "#/$defs/Study.from"},
        "else": {"$ref": "#/$defs/Study"},
        "$defs": definitions,
    }


def _add_settings(definitions: Schema, block: str, name_key: str, table: Registry, default: str | None) -> None:
    """Add rules to a block that select its other keys by the entry that it names."""
    rules: list[Schema] = []
    for name in table:
        settings = table.load(name).Settings.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        definitions |= {f"{name}.{model}": inner for model, inner in settings.pop("$defs", {}).items()}
        keys = definitions[block]["properties"]
        chosen: Schema = {"properties": {name_key: {"const": name}}}
        if name != default:
            chosen["required"] = [COMMAND if name == COMMAND else name_key]
        then = {"properties": {**dict.fromkeys(keys, True), **settings.get("properties", {})}, "additionalProperties": False}
        rules.append({"if": chosen, "then": {**then, "required": settings.get("required", [])}})
    definitions[block]["allOf"] = rules
    names: list[Schema] = [{"const": name, "description": table[name].description} for name in table]
    if table is TASKS:
        names.append({"type": "string", "pattern": ":", "description": "Your own callable: my_module:my_function"})
        definitions[block]["required"].remove(name_key)
        rules.append({"anyOf": [{"required": [name_key]}, {"required": [COMMAND]}]})
    definitions[block]["properties"][name_key]["anyOf"] = names


def _override(schema: Schema) -> Schema:
    """The schema of an override of a block: any of its keys, or null to remove one, also in nested blocks."""
    loose = {
        key: value
        for key, value in schema.items()
        if key not in ("required", "discriminator", "minProperties", "allOf", "default")
    }
    if "$ref" in loose:
        loose["$ref"] += ".override"
    alternatives = [*loose.pop("oneOf", ()), *loose.pop("anyOf", ())]
    if alternatives:
        loose["anyOf"] = [_override(part) for part in alternatives]
    for key in ("properties", "patternProperties"):
        if key in loose:
            loose[key] = {name: {"anyOf": [_override(part), NULL]} for name, part in loose[key].items()}
    if isinstance(loose.get("additionalProperties"), dict):
        loose["additionalProperties"] = {"anyOf": [_override(loose["additionalProperties"]), NULL]}
    return loose


def _with_from(override: Schema) -> Schema:
    return {**override, "properties": {FROM: PATH, **override["properties"]}, "required": [FROM]}


def _alternatives(schema: Schema, definition: str, suffix: str) -> Schema:
    """A block in its three forms, or also null in an override. `schema` has its description and default."""
    forms: list[Schema] = [{"$ref": f"#/$defs/{definition}{suffix}"}, PATH, {"$ref": f"#/$defs/{definition}.from"}]
    details: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    return {**details, "anyOf": [*forms, NULL] if suffix else forms}

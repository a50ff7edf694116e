"""OpenAPI document: names, schemas, errors and examples of every operation, in one place."""

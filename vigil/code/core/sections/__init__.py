"""Sections of a document: kinds of objects, and the fields of each."""

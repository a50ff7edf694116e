"""Pure parts of the export: documents of OTLP."""

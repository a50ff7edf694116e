"""Pure half of the importers: parsed configuration in, document and report out."""

"""Commands that call the REST API: of the installation on this machine, or of VIGIL_URL with VIGIL_TOKEN."""

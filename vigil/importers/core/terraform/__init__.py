"""Terraform and OpenTofu: resources of monitoring services out of a state, or out of `terraform show -json`."""

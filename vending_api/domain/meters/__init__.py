"""The register: utilities, supply groups, customers and their meters."""

"""One STAC service a file: address, spelling of assets, quirks."""

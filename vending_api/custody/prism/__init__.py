"""Experimental: a security module in hardware, Prism's token service, asked over Thrift."""

"""The scripted phone lives in the lab; this name stays for tests that were written before it moved."""

from callcenter.lab.sip_phone import *  # noqa: F403

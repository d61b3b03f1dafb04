# tests/net/local.mk - what is built from tests/net/

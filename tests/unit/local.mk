# tests/unit/local.mk - what is built from tests/unit/

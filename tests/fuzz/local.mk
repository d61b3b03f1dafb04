# tests/fuzz/local.mk - what is built from tests/fuzz/

# tests/interop/local.mk - what is built from tests/interop/

# tests/bench/local.mk - what is built from tests/bench/

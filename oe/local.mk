# oe/local.mk - what is built from oe/

# oe/ike/local.mk - what is built from oe/ike/

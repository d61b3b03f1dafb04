# oe/esp/local.mk - what is built from oe/esp/

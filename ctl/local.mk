# ctl/local.mk - what is built from ctl/

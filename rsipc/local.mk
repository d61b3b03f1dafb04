# rsipc/local.mk - what is built from rsipc/

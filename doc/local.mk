# doc/local.mk - what is built from doc/

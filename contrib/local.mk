# contrib/local.mk - what is built from contrib/

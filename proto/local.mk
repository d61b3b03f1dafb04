# proto/local.mk - what is built from proto/

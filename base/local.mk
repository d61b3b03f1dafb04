# base/local.mk - what is built from base/

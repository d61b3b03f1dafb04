# nat/local.mk - what is built from nat/

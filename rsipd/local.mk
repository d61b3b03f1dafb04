# rsipd/local.mk - what is built from rsipd/

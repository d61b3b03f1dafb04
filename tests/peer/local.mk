# tests/peer/local.mk - the second RSIP implementation and what it is compared with
check_PROGRAMS += tests/peer/codec_pipe
tests_peer_codec_pipe_SOURCES = tests/peer/codec_pipe.c
tests_peer_codec_pipe_LDADD = proto/libproto.a $(BASE_LIBS)
EXTRA_DIST += tests/peer/auth.py tests/peer/rsip.py tests/peer/agree.py tests/peer/ike_vectors.py tests/peer/ike2_vectors.py \
	tests/peer/wire_table.py tests/peer/rfc_sentences.txt
dist_check_SCRIPTS += tests/peer/agree.sh tests/peer/wire_table.sh
TESTS += tests/peer/agree.sh tests/peer/wire_table.sh
EXTRA_DIST += tests/peer/any_gateway.py tests/peer/gateway.py tests/peer/esp_vectors.py \
	tests/peer/session.py

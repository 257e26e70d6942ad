# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 1: a connection from SYN to TIME-WAIT as a ladder of its segments.

scene_ladder() {
	headline "$scene" "Three-way handshake and four-way close, segment by segment"
	if [ -z "$netem" ]; then
		skip "without a delay every segment is through before a state can be read"
		return
	fi
	path delay 150ms
	show_path "150 ms each way"
	if timeout 120 "$here/xladder" "${opts[@]}" --a "$ns_a:eth0" --b "$ns_b:eth0" \
		--port "$port" "$addr_b"; then
		pass "every segment and every state is that of RFC 9293"
	else
		fail "the exchange is not that of RFC 9293"
	fi
}

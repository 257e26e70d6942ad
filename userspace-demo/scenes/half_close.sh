# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 4: one side has finished, the other goes on.

scene_half_close() {
	local good=yes
	headline "$scene" "Half-close: the client has finished, the server goes on answering"
	path delay 30ms
	show_path "30 ms each way"
	printf '  %s   time    %-45s%s%s\n' "$bold" "client on host A" "server on host B" "$off"
	start_server timeout 120 "$here/xhalf" "${opts[@]}" --answers 5 --listen "$port" ||
		{ fail "no server"; return; }
	in_a timeout 120 "$here/xhalf" "${opts[@]}" "$addr_b" "$port" || good=
	wait_server || good=
	if [ "$good" ]; then
		pass "five answers after the client's FIN, then the server's own"
	else
		fail "the half-closed connection did not behave"
	fi
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 4: one side has finished, the other goes on.

scene_half_close() {
	local good=yes since
	headline "$scene" "Half-close: the client has finished, the server goes on answering"
	path delay 100ms
	show_path "100 ms each way"
	printf '  %s   time    %-45s%s%s\n' "$bold" "client on host A" "server on host B" "$off"
	read -r since _ </proc/uptime		# time 0 of both ends
	start_server timeout 120 "$here/xhalf" "${opts[@]}" --since "$since" --answers 5 \
		--listen "$port" ||
		{ fail "no server"; return; }
	in_a timeout 120 "$here/xhalf" "${opts[@]}" --since "$since" "$addr_b" "$port" || good=
	wait_server || good=
	if [ "$good" ]; then
		pass "five answers after the client's FIN, then the server's own"
	else
		fail "the half-closed connection did not behave"
	fi
}

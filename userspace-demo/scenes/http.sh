# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 3: HTTP in all its ways, from the demo's own server and client.

scene_http() {
	local log=$work/httpd good=yes most
	headline "$scene" "HTTP"
	path delay 10ms
	show_path "10 ms each way"
	start_server "$here/xhttpd" "${opts[@]}" "$port" "$here" >"$log" ||
		{ fail "no server"; return; }
	say "The server gives out the files of $(basename "$here")/; each body is compared with its file."
	echo
	in_a timeout 300 "$here/xhttp" "${opts[@]}" --connections 100 \
		"$addr_b" "$port" "$here" || good=
	stop_server
	echo
	sed 's/^/  /' "$log"
	most=$(sed -n 's/.*at most \([0-9]*\) of them at once.*/\1/p' "$log")
	if [ -z "$good" ]; then
		fail "an answer is missing or wrong"
	elif [ "${most:-0}" -lt 100 ]; then
		fail "the server never had 100 connections at once"
	else
		pass "every answer is right, in every way of asking"
	fi
}

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 5: TIME-WAIT, its default and its tuned length.

# The socket lists of host A that are in TIME-WAIT at this scene's port.
list_time_wait() {
	in_a "$here/xss" "${opts[@]}" --state TIME-WAIT --port "$port"
}

# With the kernel's TCP there is nothing to tune: its 60 s are compiled in.
time_wait_tcp() {
	if in_a timeout 60 "$here/xtimewait" --limit 3 "${opts[@]}" "$addr_b" "$port"; then
		pass "TCP keeps TIME-WAIT for 60 s, and no sysctl changes it (XTCP: net.xtcp.msl)"
	else
		fail "no TIME-WAIT to be seen"
	fi
}

scene_time_wait() {
	local first
	headline "$scene" "TIME-WAIT: 2 MSL, and MSL is a sysctl"
	path delay 5ms
	show_path "5 ms each way"
	start_server "$here/xtimewait" "${opts[@]}" --listen "$port" ||
		{ fail "no server"; return; }

	if [ "$transport" = XTCP ]; then
		shown "\$ sysctl net.xtcp.msl"
		in_a sysctl net.xtcp.msl | sed 's/^/  /'
	fi
	shown "\$ xtimewait --leave $addr_b $port; xss"
	in_a timeout 60 "$here/xtimewait" --leave "${opts[@]}" "$addr_b" "$port" ||
		{ fail "no TIME-WAIT to be seen"; return; }
	list_time_wait | sed 's/^/  /'
	first=$(list_time_wait | grep -c TIME-WAIT)
	[ "$first" -eq 1 ] || { fail "the socket is not listed in TIME-WAIT"; return; }
	echo
	if [ "$transport" = TCP ]; then
		time_wait_tcp
		return
	fi

	shown "\$ sysctl -w net.xtcp.msl=1500; xtimewait $addr_b $port"
	in_a sysctl -w net.xtcp.msl=1500 | sed 's/^/  /'
	in_a timeout 120 "$here/xtimewait" --expect 3000 "${opts[@]}" "$addr_b" "$port" ||
		{ fail "TIME-WAIT did not last 3 s"; return; }
	echo
	shown "\$ xss        # the first one, from before, is not in a hurry"
	list_time_wait | sed 's/^/  /'
	[ "$(list_time_wait | grep -c TIME-WAIT)" -eq 1 ] ||
		{ fail "the first socket should still be in TIME-WAIT, and it alone"; return; }
	pass "60 s by default, 3 s with net.xtcp.msl=1500, from the next connection on"
}

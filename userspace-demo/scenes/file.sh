# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# Scene 2: a real file through a path that loses, reorders and duplicates.

# A file of real data: programs and libraries of this machine, one after another.
make_file() {
	local want=$((size_mib * 1024 * 1024)) have
	{
		# A few large ones are enough, and quickest found; else whatever there is.
		find /boot /usr/lib/*-linux-gnu /usr/bin -maxdepth 1 -type f -size +512k -print0
		find /usr/lib /usr/bin -xdev -type f -size -513k -size +16k -print0
	} 2>/dev/null | xargs -0 cat 2>/dev/null | head -c "$want" >"$work/sent"
	have=$(stat -c %s "$work/sent")
	[ "$have" -eq "$want" ] && return 0
	say "only $have of $want bytes found below /usr, or $work is full"
	return 1
}

# How many packets the path has dropped, both directions together.
path_drops() {
	ip netns exec "$ns_path" tc -s qdisc show |
		sed -n 's/.*(dropped \([0-9]*\),.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

hash_of() {
	sha256sum <"$1" | cut -d' ' -f1
}

scene_file() {
	local sent received drops bad='delay 2ms reorder 5% duplicate 1% loss 2%'
	headline "$scene" "A file of $size_mib MiB through loss, reordering and duplication"
	# Replacing the queue with a fresh one starts its counters at zero.
	[ -z "$netem" ] || ip netns exec "$ns_path" tc qdisc del dev to-a root
	[ -z "$netem" ] || ip netns exec "$ns_path" tc qdisc del dev to-b root
	# shellcheck disable=SC2086 # words on purpose
	path $bad
	show_path "$bad, each way"
	say "The file: $size_mib MiB of this machine's programs and libraries, one after another."
	make_file || { fail "there is no file to send"; return; }
	start_server timeout 1800 "$here/xrecv" "${opts[@]}" "$port" "$work/received" ||
		{ fail "no receiver"; return; }
	in_a timeout 1800 "$here/xsend" "${opts[@]}" "$addr_b" "$port" "$work/sent" ||
		{ fail "the transfer broke off"; rm -f "$work/sent" "$work/received"; return; }
	wait_server || { fail "the receiver failed"; return; }

	drops=$(path_drops)
	sent=$(hash_of "$work/sent")
	received=$(hash_of "$work/received")
	echo
	[ -z "$netem" ] || say "the path dropped $drops packets"
	say "host A  sha256  $sent"
	say "host B  sha256  $received"
	if [ "$sent" != "$received" ]; then
		fail "the file is not the one that was sent"
	elif [ "$netem" ] && [ "$drops" -eq 0 ]; then
		fail "the path dropped nothing, so this shows nothing"
	else
		pass "$size_mib MiB arrived, every byte of them right"
	fi
	rm -f "$work/sent" "$work/received"
}

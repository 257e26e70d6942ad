# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of demo, which sources this
# The two hosts of the demo, the path between them, and servers on host B.
#
# The path is a namespace of its own, a router. netem sits in it and not in the hosts:
# so a segment is seen when its host sends it, and a loss is the path's and not a full
# queue at the sender, which a transport may notice by other means.

ns_a=xtcp-a.$$ ns_path=xtcp-path.$$ ns_b=xtcp-b.$$
if [ "${ipv6-}" ]; then
	addr_a=fd22:1::1 addr_b=fd22:2::1
else
	addr_a=10.22.1.1 addr_b=10.22.2.1
fi
server_pid=

in_a() { ip netns exec "$ns_a" "$@"; }
in_b() { ip netns exec "$ns_b" "$@"; }

# One side of the path: host namespace, subnet number, device in the path. Neighbours are
# entered by hand: or the first segment would wait for ARP, which netem delays too.
join_host() {
	local ns=$1 net=$2 dev=$3
	local host_mac=02:00:00:00:0$net:01 path_mac=02:00:00:00:0$net:fe
	ip -n "$ns" link add eth0 address "$host_mac" type veth \
		peer name "$dev" address "$path_mac" netns "$ns_path" &&
	ip -n "$ns" addr add "10.22.$net.1/24" dev eth0 &&
	ip -n "$ns" addr add "fd22:$net::1/64" dev eth0 nodad &&
	ip -n "$ns_path" addr add "10.22.$net.254/24" dev "$dev" &&
	ip -n "$ns_path" addr add "fd22:$net::254/64" dev "$dev" nodad &&
	ip -n "$ns" link set eth0 up &&
	ip -n "$ns_path" link set "$dev" up &&
	ip -n "$ns" neigh add "10.22.$net.254" lladdr "$path_mac" dev eth0 &&
	ip -n "$ns" neigh add "fd22:$net::254" lladdr "$path_mac" dev eth0 &&
	ip -n "$ns_path" neigh add "10.22.$net.1" lladdr "$host_mac" dev "$dev" &&
	ip -n "$ns_path" neigh add "fd22:$net::1" lladdr "$host_mac" dev "$dev" &&
	ip -n "$ns" route add default via "10.22.$net.254" &&
	ip -n "$ns" -6 route add default via "fd22:$net::254" &&
	# Or 64 KB super-segments travel, and netem loses those as a whole.
	ip netns exec "$ns" ethtool -K eth0 tso off gso off gro off >/dev/null &&
	ip netns exec "$ns_path" ethtool -K "$dev" tso off gso off gro off >/dev/null
}

hosts_up() {
	local ns
	for ns in "$ns_a" "$ns_path" "$ns_b"; do
		if ! ip netns add "$ns" || ! ip -n "$ns" link set lo up; then
			die "cannot create the network namespace $ns"
		fi
	done
	ip netns exec "$ns_path" sysctl -q -w net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1 || die "cannot make the path a router"
	if ! join_host "$ns_a" 1 to-a || ! join_host "$ns_b" 2 to-b; then
		die "cannot build the hosts: does this kernel have veth?"
	fi
	path delay 1ms
}

hosts_down() {
	local ns
	for ns in "$ns_a" "$ns_path" "$ns_b"; do
		ip netns del "$ns" 2>/dev/null
	done
}

# What netem does in both directions from now on.
path() {
	local dev
	[ "$netem" ] || return 0
	for dev in to-a to-b; do
		ip netns exec "$ns_path" tc qdisc replace dev "$dev" root netem limit 10000 "$@" ||
			die "this kernel has no netem: try 'modprobe sch_netem'," \
			    "or go on without it with --no-netem"
	done
}

# Draws the path: "host A 10.22.1.1 ──── delay 2ms ──── 10.22.2.1 host B".
show_path() {
	local text="${*:-a clean path}" side
	[ "$netem" ] || text='a clean path'
	printf -v side '%*s' $(((100 - 4 - 20 - ${#addr_a} - ${#addr_b} - ${#text}) / 2)) ''
	printf '  %shost A%s %s %s %s %s %s %shost B%s\n\n' "$bold" "$off" "$addr_a" \
	       "${side// /─}" "$text" "${side// /─}" "$addr_b" "$bold" "$off"
}

# Starts a program in host B and waits until it listens on $port.
start_server() {
	local tries
	ip netns exec "$ns_b" "$@" &
	server_pid=$!
	for ((tries = 0; tries < 100; tries++)); do
		in_b "$here/xss" "${opts[@]}" --listening --port "$port" --quiet && return 0
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.1
	done
	say "the server did not start: $*"
	return 1
}

# The server ends by itself; its status.
wait_server() {
	local status
	wait "$server_pid"
	status=$?
	server_pid=
	return "$status"
}

stop_server() {
	[ "$server_pid" ] || return 0
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=
}

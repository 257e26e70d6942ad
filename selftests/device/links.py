# SPDX-License-Identifier: GPL-2.0
"""Hosts A and B in namespaces, what joins them, and transfers between them."""

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading

from capture import SIOCGIFMTU, inside, interface

A, B, R = "devA", "devB", "devR"
AF_XTCP, IPPROTO_XTCP, XTCPPROTO_XTCP6 = 22, 253, 1
SIOCETHTOOL = 0x8946
FEATURES = {"rx": 0x15, "tx": 0x17, "sg": 0x19, "tso": 0x1f, "gso": 0x24, "gro": 0x2c}
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 2, 0x1000
TIMEOUT = 60

# Pairs of QEMU's (the vm script): by the driver, the last but one octet of their addresses.
CARDS = {"e1000": 1, "virtio_net": 2, "8139cp": 3}
MODULES = ("veth", "bridge", "ipip", "ip_gre", "ip6_gre", "sit", "ip6_tunnel", "vxlan", "tun")


def ip(lines, name=None):
    """Several commands of ip in one go: each program that is started takes its time here."""
    words = ["ip"] + (["-n", name] if name else []) + ["-batch", "-"]
    done = subprocess.run(words, input="\n".join(lines) + "\n", text=True, capture_output=True,
                          check=False)
    if done.returncode:
        raise OSError("ip %s: %s" % (lines, done.stderr))


def feature(name, device, **values):
    """ethtool -K @device, in the namespace @name."""
    with inside(name), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ctl:
        for word, value in values.items():
            asked = (ctypes.c_uint32 * 2)(FEATURES[word], value)
            try:
                fcntl.ioctl(ctl, SIOCETHTOOL, struct.pack("16sQ16x", device.encode(),
                                                          ctypes.addressof(asked)))
            except OSError:
                # Some cannot switch what others can; whoever needs it sees that it is not so.
                pass


LOADED = []


def load_modules(*names):
    LOADED.extend(name for name in names if not os.path.isdir("/sys/module/" + name))
    subprocess.run(("modprobe", "-a", "-q") + names, check=False, stderr=subprocess.DEVNULL)


def unload_modules():
    """The tests after this one do not find cards, nor a tunnel in each of their namespaces."""
    subprocess.run(("modprobe", "-r", "-a", "-q") + tuple(LOADED), check=False,
                   stderr=subprocess.DEVNULL)


def card(driver, end):
    """The name of the network card @end (1, 2) of the pair of that driver, or None."""
    want = "52:54:00:fd:%02x:%02x" % (CARDS[driver], end)
    for name in os.listdir("/sys/class/net"):
        try:
            with open("/sys/class/net/%s/address" % name, encoding="ascii") as address:
                if address.read().strip() == want:
                    return name
        except OSError:
            pass
    return None


def addresses(device, host, net=81):
    return ["addr add 10.%d.0.%d/24 dev %s" % (net, host, device),
            "addr add fd%d::%d/64 dev %s nodad" % (net, host, device)]


class Hosts:
    """The namespaces; what is in them goes with them, network cards come home."""

    def __enter__(self):
        self.clean()
        ip(["netns add " + name for name in (A, B, R)])
        for name in (A, B, R):
            with inside(name):
                for word, value in (("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1),
                                    ("ipv4/conf/all/rp_filter", 0),
                                    ("ipv6/conf/default/accept_dad", 0)):
                    with open("/proc/sys/net/" + word, "w", encoding="ascii") as knob:
                        knob.write(str(value))
        return self

    def __exit__(self, *_):
        self.clean()

    @staticmethod
    def clean():
        for name in (A, B, R):
            if os.path.exists("/run/netns/" + name):
                ip(["netns del " + name])


def join_cards(driver):
    """A and B with a network card each, eth0. Return: False if there are none here."""
    left, right = card(driver, 1), card(driver, 2)
    if not left or not right:
        return False
    for device, name, host in ((left, A, 1), (right, B, 2)):
        ip(["link set %s down" % device, "link set %s netns %s name eth0" % (device, name)])
        ip(addresses("eth0", host) + ["link set eth0 up", "link set lo up"], name)
    return True


def join_veth():
    """A and B by a veth, eth0 at both ends, its offloads on."""
    ip(["link add eth0 type veth peer name eth0 netns " + B], A)
    for name, host in ((A, 1), (B, 2)):
        ip(addresses("eth0", host) + ["link set eth0 up", "link set lo up"], name)


def join_bridge():
    """A and B at a bridge of R's, by veths."""
    ip(["link add br0 type bridge", "link set br0 up"], R)
    for name, port, host in ((A, "port1", 1), (B, "port2", 2)):
        ip(["link add eth0 type veth peer name %s netns %s" % (port, R)] + addresses("eth0", host)
           + ["link set eth0 up", "link set lo up"], name)
        ip(["link set %s master br0" % port, "link set %s up" % port], R)


class TapBridge:
    """A at a bridge of R's by a veth; from the bridge a tap leads to one of B's, through us."""

    def __enter__(self):
        ip(["link add eth0 type veth peer name port1 netns " + R] + addresses("eth0", 1)
           + ["link set eth0 up", "link set lo up"], A)
        self.fds = [self._open(R, "tap0"), self._open(B, "eth0")]
        ip(["link add br0 type bridge", "link set br0 up", "link set port1 master br0",
            "link set port1 up", "link set tap0 master br0", "link set tap0 up"], R)
        ip(addresses("eth0", 2) + ["link set eth0 up", "link set lo up"], B)
        self.over = False
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()
        return self

    @staticmethod
    def _open(name, device):
        with inside(name):
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TAP | IFF_NO_PI))
        return fd

    def _carry(self):
        other = {self.fds[0]: self.fds[1], self.fds[1]: self.fds[0]}
        poll = select.poll()
        for fd in self.fds:
            poll.register(fd, select.POLLIN)
        while not self.over:
            for fd, _ in poll.poll(100):
                try:
                    os.write(other[fd], os.read(fd, 70000))
                except OSError:
                    pass

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        for fd in self.fds:
            os.close(fd)


def join_router(cards):
    """A, the router R, B: by veths, or with @cards by network cards behind the router."""
    ip(["link add eth0 type veth peer name left netns " + R] + addresses("eth0", 1, 83)
       + ["link set eth0 up", "link set lo up"], A)
    ip(addresses("left", 2, 83) + ["link set left up"], R)
    if cards:
        ip(["link set %s down" % card(cards, 1), "link set %s down" % card(cards, 2),
            "link set %s netns %s name right" % (card(cards, 1), R),
            "link set %s netns %s name eth0" % (card(cards, 2), B)])
    else:
        ip(["link add eth0 type veth peer name right netns " + R], B)
    ip(addresses("right", 1) + ["link set right up"], R)
    ip(addresses("eth0", 2) + ["link set eth0 up", "link set lo up",
                               "route add 10.83.0.0/24 via 10.81.0.1",
                               "route add fd83::/64 via fd81::1"], B)
    ip(["route add 10.81.0.0/24 via 10.83.0.2", "route add fd81::/64 via fd83::2"], A)


# Device type, its underlay's IP version, and what ip says of it, with both ends' addresses.
TUNNELS = {
    "ipip": "type ipip local 10.81.0.%d remote 10.81.0.%d",
    "sit": "type sit local 10.81.0.%d remote 10.81.0.%d",
    "gre": "type gre local 10.81.0.%d remote 10.81.0.%d",
    "ip6tnl": "type ip6tnl mode any local fd81::%d remote fd81::%d",
    "vxlan": "type vxlan id 7 local 10.81.0.%d remote 10.81.0.%d dstport 4789 dev eth0",
    "vxlan6": "type vxlan id 7 local fd81::%d remote fd81::%d dstport 4789 dev eth0",
}


def dig(kind):
    """The tunnel tun9 between A and B, over what joins them."""
    for name, host in ((A, 1), (B, 2)):
        ip(["link add tun9 " + TUNNELS[kind] % (host, 3 - host), "link set tun9 up"]
           + addresses("tun9", host, 82), name)


def fill():
    for name in (A, B):
        ip(["link del tun9"], name)


def mtu_of(name, device):
    with inside(name):
        return interface(device, SIOCGIFMTU, "i")[0]


def xtcp_socket(version):
    raw = socket.socket(AF_XTCP, socket.SOCK_STREAM, 0 if version == 4 else XTCPPROTO_XTCP6)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM, IPPROTO_XTCP, fileno=raw.detach())
    sock.settimeout(TIMEOUT)
    return sock


def read_all(sock):
    parts = []
    while True:
        part = sock.recv(1 << 18)
        if not part:
            return b"".join(parts)
        parts.append(part)


class Server(threading.Thread):
    """On @name: reads all that a client sends, then sends @data and closes."""

    def __init__(self, name, version, address, port, data):
        super().__init__(daemon=True)
        self.name_, self.data, self.got, self.error = name, data, None, None
        with inside(name):
            self.listener = xtcp_socket(version)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(1)

    def run(self):
        try:
            sock = self.listener.accept()[0]
            sock.settimeout(TIMEOUT)
            with sock:
                self.got = read_all(sock)
                sock.sendall(self.data)
        except OSError as err:
            self.error = err
        self.listener.close()


def transfer(client, server, version, address, port, there, back):
    """@there from the namespace @client to @server, then @back. Return: what each received."""
    thread = Server(server, version, address, port, back)
    thread.start()
    with inside(client):
        sock = xtcp_socket(version)
    with sock:
        sock.connect((address, port))
        sock.sendall(there)
        sock.shutdown(socket.SHUT_WR)
        got = read_all(sock)
    thread.join(TIMEOUT)
    if thread.error:
        raise thread.error
    return thread.got, got

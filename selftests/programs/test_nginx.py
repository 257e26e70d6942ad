#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""nginx and curl over XTCP: connections that are kept, TLS, ranges, much data, many clients.

Time limit: 600 s
"""

import json
import os
import sys

from lib import VETH, amount, call, case, check, compare, equal, main, make_file

HTTP, HTTPS = 8080, 8443
CLIENTS = 200

CONFIG = """
daemon off;
user root;
worker_processes 2;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
events {{ worker_connections 1024; }}
http {{
	log_format facts '$connection $connection_requests $status $server_protocol $ssl_protocol';
	access_log {work}/access.log facts;
	client_body_temp_path {work}/body;
	proxy_temp_path {work}/proxy;
	fastcgi_temp_path {work}/fastcgi;
	uwsgi_temp_path {work}/uwsgi;
	scgi_temp_path {work}/scgi;
	sendfile on;
	tcp_nopush on;
	client_max_body_size 1g;
	keepalive_requests 1000;
	server {{
		listen {host}:{http} deferred backlog=512 so_keepalive=on;
		root {work}/www;
		location /slow/ {{ alias {work}/www/; limit_rate 16k; }}
		location /put/ {{ alias {work}/put/; dav_methods PUT; }}
	}}
	server {{
		listen {host}:{https} ssl;
		root {work}/www;
		ssl_certificate {work}/cert.pem;
		ssl_certificate_key {work}/key.pem;
		ssl_protocols TLSv1.3;
	}}
}}
"""


def nginx(c):
    """A server of the files in www/ of the case's directory."""
    os.makedirs(c.path("www"), exist_ok=True)
    os.makedirs(c.path("put"))
    call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-days", "2", "-subj", "/CN=xtcp", "-addext",
                  f"subjectAltName=IP:{c.address}", "-keyout", c.path("key.pem"),
                  "-out", c.path("cert.pem"))
    config = c.write("nginx.conf", CONFIG.format(work=c.work, host=c.host, http=HTTP, https=HTTPS))
    return c.server.serve(HTTP, "nginx", "-p", c.work, "-e", c.path("error.log"), "-c", config)


def curl(c, *options):
    return c.client.run("curl", "--silent", "--show-error", "--fail", "--noproxy", "*",
                        "--disable", *options)


def requests(c):
    """What the server has logged of each: connection, its how manyth, status, protocols."""
    with open(c.path("access.log"), encoding="ascii") as log:
        return [line.split() for line in log]


@case()
def kept(c):
    """Several requests on one connection of HTTP/1.1."""
    os.makedirs(c.path("www"))
    count, size = 20, 30000
    for n in range(count):
        make_file(c.path("www", f"file{n}"), size + n, seed=n)
    nginx(c)
    curl(c, "-o", c.path("got#1"), f"http://{c.host}:{HTTP}/file[0-{count - 1}]")
    for n in range(count):
        compare(c.path(f"got{n}"), c.path("www", f"file{n}"))
    c.moved(count * size)
    equal("connections", c.opened(), 1)
    equal("requests", [line[1:4] for line in requests(c)],
          [[str(n + 1), "200", "HTTP/1.1"] for n in range(count)])


@case()
def tls(c):
    """TLS 1.3, the certificate checked."""
    size = amount(1000000, 300000)
    os.makedirs(c.path("www"))
    make_file(c.path("www", "file"), size)
    nginx(c)
    curl(c, "--cacert", c.path("cert.pem"), "--tlsv1.3", "-o", c.path("got#1"),
         f"https://{c.host}:{HTTPS}/file?[1-2]")
    for n in (1, 2):
        compare(c.path(f"got{n}"), c.path("www", "file"))
    c.moved(2 * size)
    equal("connections", c.opened(), 1)
    equal("requests", [line[1:] for line in requests(c)],
          [[n, "200", "HTTP/1.1", "TLSv1.3"] for n in ("1", "2")])


@case()
def ranges(c):
    """Parts of a file, its head, a download that is continued."""
    size = 1000000
    os.makedirs(c.path("www"))
    make_file(c.path("www", "file"), size)
    with open(c.path("www", "file"), "rb") as file:
        octets = file.read()
    nginx(c)
    url = f"http://{c.host}:{HTTP}/file"
    for asked, due in (("0-0", octets[:1]), ("123456-234567", octets[123456:234568]),
                       ("-77", octets[-77:]), ("999999-", octets[-1:])):
        check(curl(c, "--range", asked, url) == due, f"range {asked}: other octets")
    head = curl(c, "--head", url).decode()
    check(f"Content-Length: {size}\r\n" in head and "Accept-Ranges: bytes" in head, head)
    with open(c.path("got"), "wb") as file:
        file.write(octets[:345678])
    curl(c, "--continue-at", "-", "-o", c.path("got"), url)
    compare(c.path("got"), c.path("www", "file"))
    equal("statuses", [line[2] for line in requests(c)], ["206"] * 4 + ["200", "206"])


@case(VETH)
def much(c):
    """One large download."""
    size = amount(100, 10) * 1000000
    os.makedirs(c.path("www"))
    make_file(c.path("www", "file"), size)
    nginx(c)
    said = json.loads(curl(c, "-w", "%{json}", "-o", c.path("got"),
                           f"http://{c.host}:{HTTP}/file"))
    print(f"# {size // 1000000} MB in {said['time_total']:.1f} s")
    compare(c.path("got"), c.path("www", "file"))
    c.moved(size)


@case(VETH)
def upload(c):
    """One large PUT."""
    size = amount(20, 3) * 1000000
    make_file(c.path("file"), size)
    nginx(c)
    curl(c, "--upload-file", c.path("file"), f"http://{c.host}:{HTTP}/put/got")
    compare(c.path("put", "got"), c.path("file"))
    c.moved(size)


@case()
def crowd(c):
    """200 clients at once."""
    size = 40000
    os.makedirs(c.path("www"))
    make_file(c.path("www", "file"), size)
    nginx(c)
    # The server is slow on purpose: nobody is served before everybody has come.
    curl(c, "--parallel", "--parallel-immediate", "--parallel-max", str(CLIENTS),
         "-o", c.path("got#1"), f"http://{c.host}:{HTTP}/slow/file?[1-{CLIENTS}]")
    for n in range(1, CLIENTS + 1):
        compare(c.path(f"got{n}"), c.path("www", "file"))
    c.moved(size * CLIENTS)
    opened = c.opened()
    check(opened >= CLIENTS, f"{opened} connections for {CLIENTS} clients")
    equal("requests served", sum(line[2] == "200" for line in requests(c)), CLIENTS)


if __name__ == "__main__":
    sys.exit(main("nginx", "curl", "openssl"))

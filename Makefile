# SPDX-License-Identifier: GPL-2.0
# What a user can do with this tree; `make help` lists it. The module itself: Kbuild.
#
# Every target installs the packages it needs (tools/packages.txt) and says in one line
# what it did. Nothing but caches is written outside the tree; $(XTCP_CACHE) moves them.

# Called by the kernel's build system, this file must not get in its way.
ifeq ($(KERNELRELEASE),)

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
SETUP := tools/setup --quiet
VM := selftests/qemu/vm
INSTALL_DIR = $(DESTDIR)/lib/modules/$(KVER)/updates
PREFIX ?= /usr/local

# The kernel that `make` and `make install` mean: the running one where its headers are
# here, else the stock Debian kernel that QEMU boots, else any that has headers.
RUNNING := $(shell uname -r)
KVER ?= $(if $(wildcard /lib/modules/$(RUNNING)/build/Makefile),$(RUNNING),$(shell . selftests/qemu/lib.sh && stock_version 2>/dev/null || newest_version))
KDIR ?= /lib/modules/$(KVER)/build

all: module programs

help:
	@echo 'XTCP: make TARGET, where TARGET is'
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))
	@echo 'Variables: TEST=PATTERN (test, stress, kunit, kcsan), KERNELS="stock san" (test, stress),'
	@echo '           PLOT="--both --loss 2" (plot; tools/xtcp-plot --help lists the options),'
	@echo '           KDIR= and KVER= (all, install), V=1'

#:   all (default)  xtcp.ko and xtcp_bbr.ko here, tools/xtcpize, the programs in userspace-demo/
# The first installation of packages may bring the headers: look again after it.
module:
	$(Q)$(SETUP) build
	$(Q)$(MAKE) module-built

module-built:
	$(Q)[ -e "$(KDIR)/Makefile" ] || { echo "no kernel headers in $(KDIR); set KDIR=" >&2; exit 1; }
	$(Q)set -o pipefail; $(MAKE) -s -C "$(KDIR)" M="$(CURDIR)" modules 2>&1 | \
		{ grep -v '^Skipping BTF' >&2 || true; }
	@echo "  MODULE  xtcp.ko and xtcp_bbr.ko for $$(modinfo -F vermagic xtcp.ko | cut -d' ' -f1)"

programs:
	$(Q)$(SETUP) build
	$(Q)$(MAKE) -s -C userspace-demo
	$(Q)$(MAKE) -s -C tools
	@echo "  BUILD   userspace-demo/ and tools/"

selftests:
	$(Q)$(SETUP) build
	$(Q)$(MAKE) -s -C selftests
	@echo "  BUILD   selftests/"

#:   demo           XTCP at work between two hosts, in QEMU (about 3 minutes)
demo: programs
	$(Q)$(SETUP) qemu test
	$(Q)$(VM) --timeout 900 -- userspace-demo/demo

#:   plot           a picture of a lossy transfer, plot/transfer.svg, in QEMU
plot: programs
	$(Q)$(SETUP) qemu test
	$(Q)tools/xtcp-plot --run $(PLOT)

#:   test           every test, in the stock and in the sanitizer kernel
#:   stress         the long campaigns that `make test` runs only a short part of
test: programs selftests
	$(Q)$(SETUP) qemu test kernel
	$(Q)selftests/qemu/test $(KERNELS)

stress: programs selftests
	$(Q)$(SETUP) qemu test kernel
	$(Q)XTCP_STRESS=1 selftests/qemu/test $(KERNELS)

#:   kunit          the unit test suites in the sanitizer kernel
kunit:
	$(Q)$(SETUP) build qemu kernel
	$(Q)selftests/qemu/kunit

#:   netem          goodput beside TCP over bad and long paths, fairness, 200 random paths (1 hour)
netem: selftests
	$(Q)$(SETUP) qemu test
	$(Q)selftests/qemu/netem

#:   bench          XTCP, TCP, MPTCP, SCTP and AF_UNIX at the same work, counted in instructions (10 min.)
#:   bench-smp      XTCP and TCP on 2 and 4 processors, in wall-clock time (needs a quiet machine)
#:   profile        instructions of each kernel function, WORK="rr --count 20000"
bench: selftests
	$(Q)$(SETUP) qemu test
	$(Q)selftests/qemu/bench

bench-smp: selftests
	$(Q)$(SETUP) qemu test
	$(Q)selftests/qemu/bench --smp "2 4"

profile: selftests
	$(Q)$(SETUP) qemu test
	$(Q)selftests/qemu/profile $(or $(WORK),rr --count 20000 --warm 2000)

#:   kcsan          the tests that race most in a kernel that looks for data races
kcsan: programs selftests
	$(Q)$(SETUP) qemu test kernel
	$(Q)selftests/qemu/kcsan

#:   coverage       line coverage of module/ by kunit and test together
coverage: programs selftests
	$(Q)$(SETUP) qemu test kernel
	$(Q)selftests/qemu/coverage

#:   kernel         the sanitizer kernel (KASAN, lockdep, kmemleak...); cached
kernel:
	$(Q)$(SETUP) build qemu kernel
	$(Q)selftests/qemu/kernel sanitizer

#:   shell          a shell in the booted guest, xtcp.ko loaded (SAN=1: sanitizer kernel)
shell: programs
	$(Q)$(SETUP) qemu test
	$(Q)$(VM) $(if $(SAN),--kernel san) --shell || [ $$? -lt 124 ]

#:   check          static checks: W=1, sparse, checkpatch, shellcheck, Python, uapi
check:
	$(Q)$(SETUP) build check
	$(Q)tools/check

#:   check-kernels  compiles xtcp.ko for the other kernel versions it supports
check-kernels:
	$(Q)$(SETUP) build kernels
	$(Q)tools/check-kernels

#:   install        xtcp.ko and xtcp_bbr.ko to /lib/modules, so that socket() loads them; xtcpize, manuals, linux/xtcp.h
#:   uninstall      and away again
install:
	$(Q)[ -e xtcp.ko ] || { echo "no xtcp.ko here; run make first" >&2; exit 1; }
	$(Q)install -D -m 0644 -t "$(INSTALL_DIR)" xtcp.ko xtcp_bbr.ko
	$(Q)$(if $(DESTDIR),depmod -b "$(DESTDIR)" "$(KVER)",depmod "$(KVER)")
	$(Q)$(MAKE) -s -C tools
	$(Q)install -D -m 0755 -t "$(DESTDIR)$(PREFIX)/bin" tools/xtcpize
	$(Q)install -D -m 0644 -t "$(DESTDIR)$(PREFIX)/lib/xtcp" tools/libxtcpize.so
	$(Q)install -D -m 0644 -t "$(DESTDIR)$(PREFIX)/share/man/man1" docs/xtcpize.1
	$(Q)install -D -m 0644 -t "$(DESTDIR)$(PREFIX)/share/man/man7" docs/xtcp.7
	$(Q)install -D -m 0644 -t "$(DESTDIR)$(PREFIX)/include/linux" uapi/linux/xtcp.h
	@echo "  INSTALL $(INSTALL_DIR)/xtcp.ko xtcp_bbr.ko, $(DESTDIR)$(PREFIX)/bin/xtcpize"

uninstall:
	$(Q)rm -f "$(INSTALL_DIR)/xtcp.ko" "$(INSTALL_DIR)/xtcp_bbr.ko" "$(DESTDIR)$(PREFIX)/bin/xtcpize" \
		"$(DESTDIR)$(PREFIX)/lib/xtcp/libxtcpize.so" "$(DESTDIR)$(PREFIX)/share/man/man1/xtcpize.1" \
		"$(DESTDIR)$(PREFIX)/share/man/man7/xtcp.7" "$(DESTDIR)$(PREFIX)/include/linux/xtcp.h"
	$(Q)rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(PREFIX)/lib/xtcp" 2>/dev/null || true
	$(Q)$(if $(DESTDIR),depmod -b "$(DESTDIR)" "$(KVER)",depmod "$(KVER)")
	@echo "  REMOVE  $(INSTALL_DIR)/xtcp.ko xtcp_bbr.ko, $(DESTDIR)$(PREFIX)/bin/xtcpize"

#:   clean          what was built in the tree (distclean: the caches outside it too)
clean:
	$(Q)find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '*.order' -o -name '*.symvers' -o -name '*.gcno' \) -type f -print0 | xargs -0r rm -f
	$(Q)[ ! -e userspace-demo/Makefile ] || $(MAKE) -s -C userspace-demo clean
	$(Q)[ ! -e tools/Makefile ] || $(MAKE) -s -C tools clean
	$(Q)$(MAKE) -s -C selftests clean
	$(Q)rm -rf plot bench-results
	$(Q)find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "  CLEAN   done"

distclean: clean
	$(Q). selftests/qemu/lib.sh && rm -rf "$$XTCP_CACHE" && echo "  CLEAN   $$XTCP_CACHE"

.PHONY: all help module module-built programs selftests demo plot test stress kunit netem bench bench-smp profile kcsan coverage kernel \
	shell check check-kernels install uninstall clean distclean

endif

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Where things are: the repository, the cache outside it, the kernels that QEMU boots.
# Sourced by the scripts beside it and by tools/; runs nothing by itself.

XTCP_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
XTCP_CACHE=${XTCP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xtcp}
XTCP_QEMU=$XTCP_REPO/selftests/qemu

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The newest kernel that has headers here, and if $1 is "image" an image too.
newest_version() {
	local v
	for v in $(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -rV); do
		[ -e "/lib/modules/$v/build/Makefile" ] || continue
		if [ "${1:-}" != image ] || [ -r "/boot/vmlinuz-$v" ]; then
			echo "$v"
			return
		fi
	done
	return 1
}

# The Debian kernel under test: what linux-image-amd64 stands for, else the newest kernel
# that has both an image and headers here. XTCP_STOCK=VERSION overrides.
stock_version() {
	local v
	if [ -n "${XTCP_STOCK:-}" ]; then
		echo "$XTCP_STOCK"
		return
	fi
	v=$(dpkg-query -W -f '${Depends}' linux-image-amd64 2>/dev/null |
		grep -o 'linux-image-[^ ,]*' | head -n 1)
	v=${v#linux-image-}
	if [ -n "$v" ] && [ -e "/lib/modules/$v/build/Makefile" ] && [ -r "/boot/vmlinuz-$v" ]; then
		echo "$v"
		return
	fi
	newest_version image || die "no stock kernel with headers here; run tools/setup"
}

# Version of the Debian source package that the test kernels are built from.
source_version() {
	dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null ||
		die "linux-source-6.1 is not installed; run tools/setup"
}

# The configuration of the kernel $1: what all test kernels have and what this one is for.
# A line "# make: NAME=VALUE..." is for make instead of Kconfig. Neither another comment
# nor the order of the lines makes another kernel of it.
config_lines() {
	local own=$XTCP_QEMU/$1.config
	[ -r "$own" ] || die "no such kernel configuration: $own"
	grep -hE '^(CONFIG_|# CONFIG_.* is not set|# make: )' "$XTCP_QEMU/guest.config" "$own" |
		LC_ALL=C sort -u
}

# Directory of the kernel built from $1.config: one for each source version and configuration.
built_dir() {
	local lines hash
	lines=$(config_lines "$1") || exit 1
	hash=$(sha256sum <<<"$lines" | cut -c1-12)
	echo "$XTCP_CACHE/kernel/$1-$(source_version)-$hash"
}

# The three facts about a kernel named on a command line (stock, san, or any NAME with a
# NAME.config here): build directory for modules, boot image, short tag for caches.
kernel_config_name() {
	case $1 in
	san) echo sanitizer ;;
	*) echo "$1" ;;
	esac
}

kernel_kdir() {
	local v
	if [ "$1" = stock ]; then
		v=$(stock_version) || exit 1
		echo "/lib/modules/$v/build"
	else
		built_dir "$(kernel_config_name "$1")"
	fi
}

kernel_image() {
	local v
	if [ "$1" = stock ]; then
		v=$(stock_version) || exit 1
		echo "/boot/vmlinuz-$v"
	else
		v=$(built_dir "$(kernel_config_name "$1")") || exit 1
		echo "$v/arch/x86/boot/bzImage"
	fi
}

kernel_tag() {
	local v
	if [ "$1" = stock ]; then
		stock_version
	else
		v=$(built_dir "$(kernel_config_name "$1")") || exit 1
		echo "${v##*/}"
	fi
}

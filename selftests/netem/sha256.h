/* SPDX-License-Identifier: GPL-2.0 */
/* SHA-256 (FIPS 180-4) of octets that come in pieces. */
#ifndef XTCP_SELFTESTS_NETEM_SHA256_H
#define XTCP_SELFTESTS_NETEM_SHA256_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/**
 * struct sha256 - a sum in the making
 * @h:		the eight words so far
 * @block:	octets that are no whole block yet
 * @len:	octets so far
 */
struct sha256 {
	uint32_t h[8];
	uint8_t block[64];
	uint64_t len;
};

/* The first 32 bits of the fractional part of a root, which the standard takes its words from. */
static inline uint32_t sha256_root_bits(int n, int root)
{
	/* Bisection in integers: the largest x with (x / 2^32) ^ root <= n. */
	unsigned __int128 low = 0, high = (unsigned __int128)1 << 37;

	while (high - low > 1) {
		unsigned __int128 mid = (low + high) / 2, power = mid * mid;

		/* mid < 2^37, so the square fits; the cube is compared shifted by 32. */
		if (root == 3)
			power = (power >> 32) * mid + (((power & 0xffffffffU) * mid) >> 32);
		if (power <= (unsigned __int128)n << 64)
			low = mid;
		else
			high = mid;
	}
	return (uint32_t)low;
}

/* sha256_words() - the constants of the standard: roots of the first primes. */
static inline const uint32_t *sha256_words(uint32_t *start)
{
	static uint32_t k[64], h[8];
	int n, i = 0, d;

	for (n = 2; !k[63]; n++) {
		for (d = 2; d * d <= n && n % d; d++)
			;
		if (d * d <= n)
			continue;
		if (i < 8)
			h[i] = sha256_root_bits(n, 2);
		k[i++] = sha256_root_bits(n, 3);
	}
	if (start)
		memcpy(start, h, sizeof(h));
	return k;
}

static inline void sha256_start(struct sha256 *s)
{
	sha256_words(s->h);
	s->len = 0;
}

static inline uint32_t sha256_ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static inline void sha256_block(struct sha256 *s, const uint8_t *p)
{
	const uint32_t *k = sha256_words(NULL);
	uint32_t w[64], v[8], t1, t2;
	int i;

	for (i = 0; i < 16; i++, p += 4)
		w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	for (; i < 64; i++) {
		t1 = w[i - 15];
		t2 = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] +
		       (sha256_ror(t1, 7) ^ sha256_ror(t1, 18) ^ t1 >> 3) +
		       (sha256_ror(t2, 17) ^ sha256_ror(t2, 19) ^ t2 >> 10);
	}
	memcpy(v, s->h, sizeof(v));
	for (i = 0; i < 64; i++) {
		t1 = v[7] + (sha256_ror(v[4], 6) ^ sha256_ror(v[4], 11) ^ sha256_ror(v[4], 25)) +
		     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		t2 = (sha256_ror(v[0], 2) ^ sha256_ror(v[0], 13) ^ sha256_ror(v[0], 22)) +
		     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static inline void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		size_t at = s->len % 64, n = 64 - at < len ? 64 - at : len;

		memcpy(s->block + at, p, n);
		s->len += n;
		p += n;
		len -= n;
		if (at + n == 64)
			sha256_block(s, s->block);
	}
}

/* sha256_end() - the sum as 64 hexadecimal digits and a NUL */
static inline void sha256_end(struct sha256 *s, char *text)
{
	uint64_t bits = s->len * 8;
	uint8_t tail[8];
	int i;

	for (i = 0; i < 8; i++)
		tail[i] = bits >> (56 - 8 * i);
	sha256_add(s, "\x80", 1);
	while (s->len % 64 != 56)
		sha256_add(s, "", 1);
	sha256_add(s, tail, 8);
	for (i = 0; i < 8; i++)
		sprintf(text + 8 * i, "%08x", (unsigned int)s->h[i]);
}

#endif /* XTCP_SELFTESTS_NETEM_SHA256_H */

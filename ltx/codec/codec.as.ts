// The byte work of ltx/, in AssemblyScript. Built into codec-wasm.ts by tools/build-codec.ts; loaded by codec.ts.
//
// No heap, no tables in the binary, no growth: the caller puts bytes into the fixed regions below and reads
// results out of them. Every region has at least 64 spare bytes behind it, so the 16-byte copies may run over an
// end that has already been checked. Nothing here trusts a byte of input.

/** 16 shuffle masks of 16 bytes; mask k repeats the first k bytes. Written by `init`. */
const MASKS: usize = 1024;
/** LZ4 hash table: u32 entries, `base + position`; an entry below `base` belongs to an earlier input. */
const TABLE: usize = 2048;
const TABLE_BITS: u32 = 12;
const TABLE_BYTES: usize = 4 << TABLE_BITS;
/** One page (at most 65536 bytes), or any bytes to be checksummed. 64 bytes of head room in front. */
const PAGE: usize = 32768;
/** One whole page frame (at most 10 + LZ4 bound of 65536 bytes). */
const FRAME: usize = 98816;

/** WAL frames, as many as fit 256 KiB and one of the largest (24 + 65536 bytes). */
const BLOCK: usize = 196608;
const BLOCK_BYTES: u32 = 262144 + 65600;

export function blockAddress(): usize { return BLOCK; }
export function blockBytes(): u32 { return BLOCK_BYTES; }
export function pageAddress(): usize { return PAGE; }
export function frameAddress(): usize { return FRAME; }

export function init(): void {
  for (let k: u32 = 1; k < 16; k++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(MASKS + (k << 4) + i, i % k);
  }
}

// ---- CRC-64/GO-ISO ----------------------------------------------------------------------------------------------
// P = x^64 + x^4 + x^3 + x + 1, reflected: bit 63 holds x^0, so multiplying by x is a right shift by one.
// P is sparse, so no tables: x^64 = x^4 + x^3 + x + 1, and squaring that three times x^512 = x^32 + x^24 + x^8 + 1
// = (x^8 + 1)(x^24 + 1): a byte of the message may be moved 64 bytes on if it is added at distances 64, 63, 61, 60.

/** v * x^64 mod P. */
// @ts-ignore: decorator
@inline function timesX64(v: u64): u64 {
  const over = (v << 63) ^ (v << 61) ^ (v << 60);
  return v ^ (v >> 1) ^ (v >> 3) ^ (v >> 4) ^ over ^ (over >> 1) ^ (over >> 3) ^ (over >> 4);
}

/** a + (the 16 bytes that begin one byte after a): a times (x^8 + 1). */
// @ts-ignore: decorator
@inline function plus1(a: v128, b: v128): v128 {
  return v128.xor(a, v128.shuffle<u8>(a, b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
}

/** Likewise three bytes on: a times (x^24 + 1). */
// @ts-ignore: decorator
@inline function plus3(a: v128, b: v128): v128 {
  return v128.xor(a, v128.shuffle<u8>(a, b, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18));
}

/** Continue `crc` over n bytes at p. `crc` is the finished value so far (0 for none), as in Go's crc64.Update. */
export function crc64(crc: u64, p: usize, n: u32): u64 {
  crc = ~crc;
  const end = p + n;
  if (n >= 128) {
    let s0 = v128.xor(v128.load(p), i64x2.replace_lane(i64x2.splat(0), 0, crc));
    let s1 = v128.load(p, 16), s2 = v128.load(p, 32), s3 = v128.load(p, 48);
    let t0 = plus1(s0, s1), t1 = plus1(s1, s2);
    // The four distances reach from the first four bytes back into the last four of the same 64.
    s3 = v128.xor(s3, plus3(plus1(i64x2.splat(0), s0), t0));
    let t2 = plus1(s2, s3);
    p += 64;
    const last = end - 64;
    do {
      s0 = v128.xor(v128.load(p), plus3(t0, t1));
      const t3 = plus1(s3, s0);
      s1 = v128.xor(v128.load(p, 16), plus3(t1, t2));
      t0 = plus1(s0, s1);
      s2 = v128.xor(v128.load(p, 32), plus3(t2, t3));
      t1 = plus1(s1, s2);
      s3 = v128.xor(v128.load(p, 48), plus3(t3, t0));
      t2 = plus1(s2, s3);
      p += 64;
    } while (p <= last);
    // The last 64 bytes are not moved on: take that back.
    s3 = v128.xor(s3, plus3(plus1(i64x2.splat(0), s0), t0));
    crc = timesX64(i64x2.extract_lane(s0, 0));
    crc = timesX64(crc ^ i64x2.extract_lane(s0, 1));
    crc = timesX64(crc ^ i64x2.extract_lane(s1, 0));
    crc = timesX64(crc ^ i64x2.extract_lane(s1, 1));
    crc = timesX64(crc ^ i64x2.extract_lane(s2, 0));
    crc = timesX64(crc ^ i64x2.extract_lane(s2, 1));
    crc = timesX64(crc ^ i64x2.extract_lane(s3, 0));
    crc = timesX64(crc ^ i64x2.extract_lane(s3, 1));
  }
  while (p + 8 <= end) { crc = timesX64(crc ^ load<u64>(p)); p += 8; }
  while (p < end) {
    const w = (crc ^ <u64>load<u8>(p)) << 56;
    crc = (crc >> 8) ^ w ^ (w >> 1) ^ (w >> 3) ^ (w >> 4);
    p++;
  }
  return ~crc;
}

// ---- LZ4 block --------------------------------------------------------------------------------------------------

/** Copy 16 bytes at a time until `end` is reached or passed by at most 15 bytes. Copies at least 16. */
// @ts-ignore: decorator
@inline function wildCopy(to: usize, from: usize, end: usize): void {
  do { v128.store(to, v128.load(from)); to += 16; from += 16; } while (to < end);
}

/** Decompress n bytes at src. Returns the decompressed length, or -1 when malformed or longer than cap. */
export function lz4Decompress(src: usize, n: u32, dst: usize, cap: u32): i32 {
  let s = src, d = dst;
  const sEnd = src + n, dEnd = dst + cap;
  while (s < sEnd) {
    const token = <u32>load<u8>(s++);
    let length = token >> 4;
    if (length == 15) {
      let b: u32;
      do { if (s >= sEnd) return -1; b = load<u8>(s++); length += b; } while (b == 255);
    }
    if (length > <u32>(sEnd - s) || length > <u32>(dEnd - d)) return -1;
    if (length) {
      wildCopy(d, s, d + length);
      s += length; d += length;
    }
    if (s == sEnd) return <i32>(d - dst);
    if (sEnd - s < 2) return -1;
    const distance = <u32>load<u16>(s);
    s += 2;
    if (distance == 0 || distance > <u32>(d - dst)) return -1;
    length = token & 15;
    if (length == 15) {
      let b: u32;
      do { if (s >= sEnd) return -1; b = load<u8>(s++); length += b; } while (b == 255);
    }
    length += 4;
    if (length > <u32>(dEnd - d)) return -1;
    const end = d + length;
    if (distance >= 16) wildCopy(d, d - distance, end);
    else {
      // A pattern shorter than a vector: spell it out once, then copy from a whole number of patterns back.
      v128.store(d, v128.swizzle(v128.load(d - distance), v128.load(MASKS + (distance << 4))));
      if (length > 16) wildCopy(d + 16, d + 16 - (15 / distance + 1) * distance, end);
    }
    d = end;
  }
  return -1;
}

let base: u32 = 1;

// @ts-ignore: decorator
@inline function slot(v: u64): usize {
  // Five bytes, as LZ4 does on 64-bit machines: fewer false candidates than four.
  return TABLE + (<usize>(((v << 24) * 889523592379) >> (64 - TABLE_BITS)) << 2);
}

/** Write the rest of a length above its nibble. */
// @ts-ignore: decorator
@inline function putLength(d: usize, rest: u32): usize {
  while (rest >= 255) { store<u8>(d++, 255); rest -= 255; }
  store<u8>(d, rest);
  return d + 1;
}

/** Compress n <= 65536 bytes at src. dst must have n + n / 255 + 16 bytes; so it always succeeds. Returns the length. */
export function lz4Compress(src: usize, n: u32, dst: usize): u32 {
  if (base > 0xfffe0000) { memory.fill(TABLE, 0, TABLE_BYTES); base = 1; }
  // Positions are kept as base + offset in page: what earlier pages left in the table is below base.
  const origin = src - <usize>base;
  const first = base;
  base += n;
  let s = src, d = dst, anchor = src;
  const end = src + n;
  if (n >= 13) {
    const lastStart = end - 12, matchEnd = end - 5;
    store<u32>(slot(load<u64>(s)), <u32>(s - origin));
    s++;
    while (true) {
      let m: usize = 0, searches: u32 = 1 << 5;
      while (s <= lastStart) {
        const v = load<u64>(s), h = slot(v), candidate = load<u32>(h);
        store<u32>(h, <u32>(s - origin));
        // A stale entry stands for the first position: what matches there is a match, and no branch is
        // mispredicted (measured: bench/codec.ts, 1.2 to 1.6 times as fast).
        m = origin + select<u32>(candidate, first, candidate >= first);
        if (load<u32>(m) == <u32>v) break;
        m = 0;
        s += searches++ >> 5;
      }
      if (!m) break;
      while (s > anchor && m > src && load<u8>(s - 1) == load<u8>(m - 1)) { s--; m--; }
      const literals = <u32>(s - anchor), distance = <u32>(s - m);
      let p = s + 4, q = m + 4;
      while (true) {
        if (p + 8 > matchEnd) {
          while (p < matchEnd && load<u8>(p) == load<u8>(q)) { p++; q++; }
          break;
        }
        const x = load<u64>(p) ^ load<u64>(q);
        if (x) { p += <usize>(ctz(x) >> 3); break; }
        p += 8; q += 8;
      }
      const length = <u32>(p - s) - 4, token = d++;
      if (literals >= 15) d = putLength(d, literals - 15);
      wildCopy(d, anchor, d + literals);
      d += literals;
      store<u16>(d, distance);
      d += 2;
      if (length >= 15) d = putLength(d, length - 15);
      store<u8>(token, ((literals < 15 ? literals : 15) << 4) | (length < 15 ? length : 15));
      anchor = s = p;
      if (s > lastStart) break;
      store<u32>(slot(load<u64>(s - 2)), <u32>(s - 2 - origin));
    }
  }
  const literals = <u32>(end - anchor);
  store<u8>(d++, (literals < 15 ? literals : 15) << 4);
  if (literals >= 15) d = putLength(d, literals - 15);
  wildCopy(d, anchor, d + literals);
  return <u32>(d - dst) + literals;
}

// ---- xxh32 (content checksum of legacy frames), seed 0 ------------------------------------------------------------

// @ts-ignore: decorator
@inline function xxRound(acc: u32, p: usize): u32 { return rotl<u32>(acc + load<u32>(p) * 2246822519, 13) * 2654435761; }

export function xxh32(p: usize, n: u32): u32 {
  const end = p + n;
  let h: u32 = 374761393;
  if (n >= 16) {
    let a: u32 = 606290984, b: u32 = 2246822519, c: u32 = 0, e: u32 = 1640531535;
    do { a = xxRound(a, p); b = xxRound(b, p + 4); c = xxRound(c, p + 8); e = xxRound(e, p + 12); p += 16; } while (p + 16 <= end);
    h = rotl<u32>(a, 1) + rotl<u32>(b, 7) + rotl<u32>(c, 12) + rotl<u32>(e, 18);
  }
  h += n;
  while (p + 4 <= end) { h = rotl<u32>(h + load<u32>(p) * 3266489917, 17) * 668265263; p += 4; }
  while (p < end) { h = rotl<u32>(h + <u32>load<u8>(p++) * 374761393, 11) * 2654435761; }
  h = (h ^ (h >> 15)) * 2246822519;
  h = (h ^ (h >> 13)) * 3266489917;
  return h ^ (h >> 16);
}

// ---- SQLite WAL checksum over n bytes (a multiple of 8), words in the byte order of the WAL's magic ---------------

/** Returns s1 << 32 | s0. */
export function walChecksum(s0: u32, s1: u32, p: usize, n: u32, bigEndian: bool): u64 {
  const end = p + n;
  if (bigEndian) {
    while (p < end) {
      const w = i8x16.swizzle(v128.load64_zero(p), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 8, 8, 8, 8, 8, 8, 8, 8));
      s0 += i32x4.extract_lane(w, 0) + s1;
      s1 += i32x4.extract_lane(w, 1) + s0;
      p += 8;
    }
  } else {
    while (p < end) {
      s0 += load<u32>(p) + s1;
      s1 += load<u32>(p, 4) + s0;
      p += 8;
    }
  }
  return (<u64>s1 << 32) | <u64>s0;
}

/**
 * How many of the `count` frames at p (24-byte header and page each) are valid, from the first on: they carry the
 * salts and continue the checksum, which each frame's own header then holds. Salts and stored sums are big-endian.
 */
export function walFrames(p: usize, count: u32, pageSize: u32, salt1: u32, salt2: u32, s0: u32, s1: u32, bigEndian: bool): u32 {
  for (let i: u32 = 0; i < count; i++) {
    if (bswap<u32>(load<u32>(p, 8)) != salt1 || bswap<u32>(load<u32>(p, 12)) != salt2) return i;
    let sum = walChecksum(s0, s1, p, 8, bigEndian);
    sum = walChecksum(<u32>sum, <u32>(sum >> 32), p + 24, pageSize, bigEndian);
    s0 = <u32>sum;
    s1 = <u32>(sum >> 32);
    if (bswap<u32>(load<u32>(p, 16)) != s0 || bswap<u32>(load<u32>(p, 20)) != s1) return i;
    p += 24 + pageSize;
  }
  return count;
}

const P1 = 0x9e3779b1
const P2 = 0x85ebca77
const P3 = 0xc2b2ae3d
const P4 = 0x27d4eb2f
const P5 = 0x165667b1
const STRIPE = 16

/** xxHash of 32 bits with seed 0, over bytes that come in pieces. (The codec has the one over bytes that lie together.) */
export class Xxh32 {
  readonly #lanes = new Uint32Array([P1 + P2, P2, 0, -P1])
  readonly #rest = new Uint8Array(STRIPE)
  #filled = 0
  #total = 0

  update(bytes: Uint8Array): void {
    this.#total += bytes.length
    let at = 0
    if (this.#filled > 0) {
      at = Math.min(STRIPE - this.#filled, bytes.length)
      this.#rest.set(bytes.subarray(0, at), this.#filled)
      this.#filled += at
      if (this.#filled < STRIPE) return
      this.#stripes(this.#rest, 0, STRIPE)
      this.#filled = 0
    }
    const end = bytes.length - ((bytes.length - at) % STRIPE)
    this.#stripes(bytes, at, end)
    this.#rest.set(bytes.subarray(end))
    this.#filled = bytes.length - end
  }

  /** The hash of everything so far, 0..2^32-1. */
  get value(): number {
    const [a, b, c, d] = this.#lanes as unknown as [number, number, number, number]
    let hash = this.#total >= STRIPE ? rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18) : P5
    hash = (hash + this.#total) | 0
    let at = 0
    for (; at + 4 <= this.#filled; at += 4) {
      hash = Math.imul(rotl((hash + Math.imul(readU32(this.#rest, at), P3)) | 0, 17), P4)
    }
    for (; at < this.#filled; at++) hash = Math.imul(rotl((hash + Math.imul(this.#rest[at]!, P5)) | 0, 11), P1)
    hash = Math.imul(hash ^ (hash >>> 15), P2)
    hash = Math.imul(hash ^ (hash >>> 13), P3)
    return (hash ^ (hash >>> 16)) >>> 0
  }

  #stripes(bytes: Uint8Array, start: number, end: number): void {
    let [a, b, c, d] = this.#lanes as unknown as [number, number, number, number]
    for (let at = start; at < end; at += STRIPE) {
      a = round(a, bytes, at)
      b = round(b, bytes, at + 4)
      c = round(c, bytes, at + 8)
      d = round(d, bytes, at + 12)
    }
    this.#lanes.set([a, b, c, d])
  }
}

function round(lane: number, bytes: Uint8Array, at: number): number {
  return Math.imul(rotl((lane + Math.imul(readU32(bytes, at), P2)) | 0, 13), P1)
}

function rotl(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function readU32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

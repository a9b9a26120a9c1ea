/** SHA-256 (FIPS 180-4). `crypto.subtle` does not exist on pages over plain http, which phones at an event use. */

function firstBits(root: number): Int32Array {
  // the first 32 bits of the fractional parts of the square or cube roots of the first primes
  const words: number[] = []
  for (let n = 2; words.length < (root === 2 ? 8 : 64); n++) {
    let prime = true
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0
    if (prime) words.push(((n ** (1 / root)) % 1) * 2 ** 32)
  }
  return Int32Array.from(words, (word) => word | 0)
}

const START = firstBits(2)
const ROUND = firstBits(3)

function padded(message: Uint8Array): DataView {
  const bytes = new Uint8Array(((message.length + 8) >> 6) * 64 + 64)
  bytes.set(message)
  bytes[message.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setUint32(bytes.length - 4, message.length << 3)
  view.setUint32(bytes.length - 8, message.length >>> 29)
  return view
}

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

function compress(state: Int32Array, view: DataView, at: number, w: Int32Array): void {
  for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i)
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)
    const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10)
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let i = 0; i < 64; i++) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = (state[i]! + word) | 0
}

/** The digest, 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  const view = padded(message)
  const state = START.slice()
  const schedule = new Int32Array(64)
  for (let at = 0; at < view.byteLength; at += 64) compress(state, view, at, schedule)
  const digest = new DataView(new ArrayBuffer(32))
  for (const [i, word] of state.entries()) digest.setInt32(4 * i, word)
  return new Uint8Array(digest.buffer)
}

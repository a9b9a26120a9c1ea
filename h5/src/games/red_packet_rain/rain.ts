/**
 * A member's personal rain, computed from the round key exactly as the server does
 * (gameserver/games/red_packet_rain/rain.py, which explains the derivation); rain.vectors.json holds both to it.
 */
import { sha256 } from '../../shell/sha256'

const FALL_MIN_MS = 2200
const FALL_SPREAD_MS = 1000
const WORD = 2 ** 16
const WORDS_PER_BLOCK = 16

export interface Drop {
  id: number
  spawn: number // ms after the round's start
  end: number
  bomb: boolean
  column: number // 0 to 65535, left to right
  look: number // 0 to 65535
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** At least `count` 16-bit words of a key and label. */
function words(key: Uint8Array, label: string, count: number): (index: number) => number {
  const blocks = Math.ceil(count / WORDS_PER_BLOCK)
  const bytes = new DataView(new ArrayBuffer(32 * blocks))
  const message = new Uint8Array([...key, ...Array.from(label, (letter) => letter.charCodeAt(0)), 0, 0, 0, 0])
  const counter = new DataView(message.buffer)
  for (let block = 0; block < blocks; block++) {
    counter.setUint32(message.length - 4, block)
    new Uint8Array(bytes.buffer).set(sha256(message), 32 * block)
  }
  return (index) => bytes.getUint16(2 * index)
}

/** One place in each of `runs` equal runs of [0, length). */
function oneInEach(key: Uint8Array, label: string, runs: number, length: number): Set<number> {
  const word = words(key, label, runs)
  const chosen = new Set<number>()
  for (let run = 0; run < runs; run++) {
    const first = Math.floor((run * length) / runs)
    const after = Math.floor(((run + 1) * length) / runs)
    chosen.add(first + Math.floor(((after - first) * word(run)) / WORD))
  }
  return chosen
}

/** All drops in the order in which they appear. `key` in hex, `duration` in ms. */
export function rain(key: string, duration: number, drops: number, bombs: number): Drop[] {
  const secret = bytesOf(key)
  const span = duration - FALL_MIN_MS - FALL_SPREAD_MS
  const word = words(secret, 'drop', 4 * drops)
  const isBomb = oneInEach(secret, 'bomb', bombs, drops)
  return Array.from({ length: drops }, (_, id) => {
    const [jitter, fall, column, look] = [0, 1, 2, 3].map((i) => word(4 * id + i)) as [number, number, number, number]
    const spawn = Math.floor(((id * WORD + jitter) * span) / (drops * WORD))
    const end = spawn + FALL_MIN_MS + Math.floor((fall * FALL_SPREAD_MS) / WORD)
    return { id, spawn, end, bomb: isBomb.has(id), column, look }
  })
}

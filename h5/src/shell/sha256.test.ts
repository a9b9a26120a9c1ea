import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256 } from './sha256'

test.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000])('the digest of %i bytes is that of the platform', (length) => {
  const message = Uint8Array.from({ length }, (_, i) => (i * 37 + length) % 256)
  expect(Buffer.from(sha256(message)).toString('hex')).toBe(createHash('sha256').update(message).digest('hex'))
})

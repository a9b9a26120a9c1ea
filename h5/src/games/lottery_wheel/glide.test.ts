import { expect, test } from 'vitest'
import { gliding, landing, RUN_UP_MS, running } from './glide'

const rings = [2, 3, 5, 8, 12].flatMap((stops) => Array.from({ length: stops }, (_, stop) => ({ stops, stop })))

test.each(rings)('a ring of $stops comes to rest exactly on $stop', ({ stops, stop }) => {
  for (const from of [0, 0.3, 7.9, 1234.5]) {
    const glide = landing(from, stops / 600, stops, stop, 2600)
    const rest = gliding(glide, 2600)
    expect(((rest % stops) + stops) % stops).toBeCloseTo(stop % stops, 6)
    expect(gliding(glide, 99_999)).toBe(rest)
  }
})

test('it never turns back, never jerks and is slow at the end', () => {
  const speed = 8 / 600
  for (let stop = 0; stop < 8; stop++) {
    const glide = landing(3.3, speed, 8, stop, 2600)
    expect(gliding(glide, 10) - glide.from).toBeCloseTo(speed * 10, 2)
    let before = glide.from
    let fastest = Infinity
    for (let ms = 10; ms <= 2600; ms += 10) {
      const now = gliding(glide, ms)
      expect(now - before).toBeGreaterThanOrEqual(0)
      expect(now - before).toBeLessThanOrEqual(fastest + 1e-9)
      fastest = now - before
      before = now
    }
    expect(fastest).toBeLessThan(speed)
  }
})

test('it quickens from rest and then runs at its speed', () => {
  expect(running(5, 0.01, 0)).toBe(5)
  expect(running(5, 0.01, -3)).toBe(5)
  expect(running(5, 0.01, 10) - 5).toBeLessThan(0.01)
  expect(running(0, 0.01, RUN_UP_MS + 100) - running(0, 0.01, RUN_UP_MS)).toBeCloseTo(1, 9)
})

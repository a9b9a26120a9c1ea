import { expect, test } from 'vitest'
import { fullJitter } from './backoff'
import { ServerClock } from './clock'

test('the offset is that of the smallest round trip', () => {
  let local = 1000
  const clock = new ServerClock(() => local)
  clock.guess(50_000)
  expect(clock.now()).toBe(50_000)
  clock.sample(1000, 1400, 60_000) // 400 ms there and back
  clock.sample(1000, 1040, 60_500) // 40 ms: the better one
  clock.sample(1000, 1300, 99_000)
  local = 1040
  expect(clock.now()).toBe(60_520)
})

test('a new connection measures anew, whatever was measured before', () => {
  const clock = new ServerClock(() => 0)
  clock.sample(0, 1, 100)
  clock.guess(500)
  clock.sample(0, 80, 700)
  expect(clock.now()).toBe(660)
})

test('the ceiling of the delay doubles up to 20 s, and the delay is anywhere below it', () => {
  expect([0, 1, 2, 10].map((attempt) => fullJitter(attempt, () => 1))).toEqual([600, 1200, 2400, 20_000])
  expect(fullJitter(3, () => 0)).toBe(0)
})

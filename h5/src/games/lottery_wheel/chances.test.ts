import { expect, test } from 'vitest'
import { chancesOf, enough } from './chances'

test('nothing is counted, nothing is said', () => {
  expect(chancesOf(null, null)).toBeNull()
  expect(enough(null, 10)).toBe(true)
})

test('free and extra plays are one number; what they cost afterwards is the room’s', () => {
  const charge = { cost: 0, left: 0, free: 2, extra: 3 }
  expect(chancesOf(charge, null)).toEqual({ plays: 5, cost: null })
  expect(enough(chancesOf(charge, null), 5)).toBe(true)
  expect(enough(chancesOf(charge, null), 6)).toBe(false)
  expect(enough(chancesOf(charge, 10), 6)).toBe(true)
  expect(chancesOf({ cost: 0, left: 0, free: 2 }, 10)).toEqual({ plays: 2, cost: 10 })
})

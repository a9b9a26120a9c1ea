import { expect, test } from 'vitest'
import type { Play, Signup } from './events'
import { dayOf, daysAnd, windowsAt } from './windows'

const signup = (opens_at: number | null, closes_at: number | null): Signup => ({ opens_at, closes_at, media_max: 3, text_max: 100 })
const play = (voting_opens_at: number | null, form: Signup | null): Play =>
  ({ voting_opens_at, signup: form }) as unknown as Play

test('signing up and voting have windows of their own', () => {
  const both = play(500, signup(null, 400))
  expect(windowsAt(100, both, 900)).toEqual({ voting: 'before', votingAt: 500, signup: 'open', signupAt: 400 })
  expect(windowsAt(400, both, 900)).toEqual({ voting: 'before', votingAt: 500, signup: 'over', signupAt: 0 })
  expect(windowsAt(500, both, 900)).toEqual({ voting: 'open', votingAt: 900, signup: 'over', signupAt: 0 })
  expect(windowsAt(900, both, 900)).toEqual({ voting: 'over', votingAt: 0, signup: 'over', signupAt: 0 })
})

test('without times both go with the room; without a form nobody signs up', () => {
  expect(windowsAt(1, play(null, signup(200, null)), 900)).toMatchObject({ voting: 'open', signup: 'before', signupAt: 200 })
  expect(windowsAt(300, play(null, signup(200, null)), 900)).toMatchObject({ signup: 'open', signupAt: 900 })
  expect(windowsAt(1, play(null, null), 900).signup).toBeNull()
})

test('a day is the room’s own', () => {
  const moment = Date.UTC(2026, 10, 22, 16, 30)
  expect(dayOf(moment, 'Asia/Shanghai')).toBe('2026-11-23')
  expect(dayOf(moment, 'Europe/London')).toBe('2026-11-22')
})

test('whole days stand apart', () => {
  expect(daysAnd(2 * 86_400_000 + 5000)).toEqual([2, 5000])
  expect(daysAnd(-1)).toEqual([0, 0])
})

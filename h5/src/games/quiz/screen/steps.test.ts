import { expect, test } from 'vitest'
import type { LiveState } from '../events'
import { allowed, meaning, nextStep, type Step } from './steps'

const at = (state: LiveState, next: number | null = 3, over = false) => ({ state, next, over })

test.each<[LiveState, number | null, boolean, Step | null]>([
  ['lobby', 0, false, { op: 'ask', question: 0 }],
  ['question', 3, false, { op: 'lock' }],
  ['question', 3, true, { op: 'reveal' }],
  ['locked', 3, true, { op: 'reveal' }],
  ['reveal', 3, true, { op: 'rank' }],
  ['reveal', null, true, { op: 'rank' }],
  ['ranking', 3, true, { op: 'ask', question: 3 }],
  ['ranking', null, true, { op: 'finish' }],
  ['podium', null, true, null],
])('in %s with question %s left (time over: %s) the next step is %o', (state, next, over, step) => {
  expect(nextStep({ state, next, over })).toEqual(step)
  if (step) expect(allowed(step.op, { state, next, over })).toBe(true)
})

test('nothing is told before the lock', () => {
  expect(allowed('reveal', at('question'))).toBe(false)
  expect(allowed('rank', at('question'))).toBe(false)
  expect(allowed('rank', at('locked'))).toBe(false)
})

test('a question follows the reveal or the ranking, never another question', () => {
  const states: LiveState[] = ['lobby', 'question', 'locked', 'reveal', 'ranking', 'podium']
  expect(states.filter((state) => allowed('ask', at(state)))).toEqual(['lobby', 'reveal', 'ranking'])
  expect(states.filter((state) => allowed('finish', at(state)))).toEqual(['reveal', 'ranking'])
  expect(states.filter((state) => allowed('ask', at(state, null)))).toEqual([])
})

test("the host's keys", () => {
  const keys = [' ', 'Enter', 'ArrowRight', 'PageDown', 'l', 'L', 'r', 'k', 'f', 'h', 'Escape', 'x']
  expect(keys.map(meaning)).toEqual([
    'next', 'next', 'next', 'next', 'lock', 'lock', 'reveal', 'rank', 'finish', 'help', 'close', null,
  ])
})

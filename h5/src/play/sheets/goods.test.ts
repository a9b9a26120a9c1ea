import { expect, test } from 'vitest'
import type { Won } from '../../shell/wire'
import { isAbout, isClaimed, lookAgainIn, stageOf, toneOf } from './goods'
import { en } from './messages/en'
import { zh } from './messages/zh-CN'
import { wonOf } from './testing'

const STATES = [
  'address_needed', 'to_ship', 'shipped', 'received', 'to_redeem', 'redeemed', 'expired', 'canceled', 'given', 'code_needed',
] as const

test('every stage has a word, a text and a tone in both languages', () => {
  for (const stage of [...STATES, 'preparing', 'added', 'outside', 'outdated'] as const) {
    expect(toneOf(stage)).toMatch(/act|wait|done|lost/)
    for (const key of [`goods.${stage}`, `goods.${stage}.text`] as const) expect([zh[key], en[key]]).not.toContain('')
  }
})

test('points have no stage, and goods have the one the server says', () => {
  expect(stageOf(wonOf({ kind: 'points' }), 0)).toBe(null)
  for (const state of STATES) expect(stageOf(wonOf({ state }), 0)).toBe(state)
})

test('what is not on record yet is being prepared; plays are added; a coupon without a pool comes otherwise', () => {
  expect(stageOf(wonOf({ settled: false }), 0)).toBe('preparing')
  expect(stageOf(wonOf({ kind: 'coupon', settled: false }), 0)).toBe('preparing')
  expect(stageOf(wonOf({ kind: 'coupon' }), 0)).toBe('outside')
  expect(stageOf(wonOf({ kind: 'chance', settled: false }), 0)).toBe('added')
})

test('the time to claim ends what waits for the member, and nothing that is on its way', () => {
  for (const state of STATES) {
    const won = wonOf({ state, claim_by: 1000 })
    expect(stageOf(won, 999)).toBe(state)
    expect(stageOf(won, 1000)).toBe(isClaimed(state) ? 'expired' : state)
  }
  expect(STATES.filter(isClaimed)).toEqual(['address_needed', 'to_redeem'])
})

test('a code is out of date from the moment that it says', () => {
  const won = wonOf({ kind: 'coupon', state: 'given', code: 'C1', code_expires_at: 1000 })
  expect([stageOf(won, 999), stageOf(won, 1000)]).toEqual(['given', 'outdated'])
})

test('a sheet is opened for the very unit, or for any of the prize', () => {
  const won = wonOf()
  expect(isAbout(won, 'r1', { prize: 'mug', unit: 7 })).toBe(true)
  expect(isAbout(won, 'r1', { prize: 'mug' })).toBe(true)
  expect(isAbout(won, 'r1', { prize: 'mug', unit: 8 })).toBe(false)
  expect(isAbout(won, 'r1', { prize: 'tea' })).toBe(false)
  expect(isAbout(won, 'r2', { prize: 'mug', unit: 7 })).toBe(false)
})

test('the sheet looks again while something comes, ever more rarely, and not where nothing will', () => {
  const done: Won[] = [wonOf({ state: 'address_needed' }), wonOf({ state: 'received' })]
  expect(lookAgainIn(done, true, 0, 0)).toBe(null)
  expect(lookAgainIn(done, false, 0, 0)).toBe(1000) // what they came for is not here yet
  expect(lookAgainIn([...done, wonOf({ settled: false })], true, 2, 0)).toBe(2250)
  expect(lookAgainIn([wonOf({ kind: 'points', settled: false })], true, 50, 0)).toBe(15_000)
  const shown = [wonOf({ state: 'to_redeem', claim_by: 10 })]
  expect(lookAgainIn(shown, true, 9, 5)).toBe(4000)
  expect(lookAgainIn(shown, true, 9, 10)).toBe(null)
})

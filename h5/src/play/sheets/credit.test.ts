import { expect, test } from 'vitest'
import type { Won } from '../../shell/wire'
import { creditOf } from './credit'
import { en } from './messages/en'
import { zh } from './messages/zh-CN'
import { wonOf } from './testing'

const won = (credited: number | null, refused: string | null, settled: boolean): Won =>
  wonOf({ prize: 'packet', kind: 'points', amount: 20, settled, refused, credited })

test('what a cap cut of a win has its number, its reason and words for both', () => {
  const credit = creditOf(won(12, 'daily_cap', true))
  expect(credit).toEqual({ word: 'prizes.settled', state: 'settled', cut: 12, why: 'reason.daily_cap' })
  expect([zh['prizes.cut'], zh[credit.why]]).toEqual(['{n} 积分中入账 {part}：{why}', '已达每日上限'])
  expect([en['prizes.cut'], en[credit.why]]).toEqual(['{part} of {n} credited: {why}', 'daily cap'])
})

test('of a win that was credited whole nothing is cut', () => {
  expect(creditOf(won(null, null, true))).toMatchObject({ state: 'settled', cut: null })
})

test('a win of which nothing was credited says why; one that staff look into is on its way', () => {
  expect(creditOf(won(null, 'monthly_cap', false))).toEqual({
    word: 'prizes.refused', state: 'refused', cut: 0, why: 'reason.monthly_cap',
  })
  for (const refused of [null, 'unstorable'])
    expect(creditOf(won(null, refused, false))).toMatchObject({ word: 'prizes.won', state: 'pending', cut: null })
})
